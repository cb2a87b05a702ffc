import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import { formatMinute, minuteOf } from "../../src/model/time.ts";
import type { Json } from "./running-service.ts";
import { RunningService, click, newAd } from "./running-service.ts";

let service: RunningService;
before(async () => {
  service = await RunningService.start();
});
after(() => service[Symbol.asyncDispose]());

describe("queries", () => {
  const ad_id = "a/b?c=d&é %";
  const path = `/v1/ads/${encodeURIComponent(ad_id)}`;
  before(async () => {
    const clicks = ["US", "US", "DE"].map((country, i) =>
      click({ ad_id, country, device: "phone", user_id: `u${i}` }),
    );
    const { body } = await service.send("POST", "/v1/clicks?wait=counted", JSON.stringify(clicks));
    assert.equal(body["counted"], 3);
  });

  it("count one ad, whatever its name", async () => {
    const { status, body } = await service.get(
      `${path}/aggregated_count?window=5&filter=country==US`,
    );
    assert.equal(status, 200);
    assert.deepEqual(
      [body["ad_id"], body["count"], body["filter"], body["status"]],
      [ad_id, 2, "country==US", "provisional"],
    );
    assert.ok((body["as_of"] as number) > 0);
    assert.equal(body["series"], undefined);
  });

  it("count one ad minute by minute", async () => {
    const { body } = await service.get(
      `${path}/aggregated_count?window=10&granularity=minute&tz=Europe/Berlin`,
    );
    const series = body["series"] as { start: string; count: number }[];
    assert.equal(series.length, 10);
    assert.equal(
      series.reduce((sum, { count }) => sum + count, 0),
      3,
    );
  });

  it("count an ad that nobody clicked as 0", async () => {
    assert.equal((await service.get("/v1/ads/nobody/aggregated_count?window=5")).body["count"], 0);
  });

  it("rank ads, under both names", async () => {
    const parameters = "topN=1&window=5&filter=country==DE";
    for (const route of ["/v1/ads/popular_ads", "/v1/top"]) {
      const { status, body } = await service.get(`${route}?${parameters}`);
      assert.equal(status, 200);
      assert.deepEqual(body["ads"], [{ rank: 1, ad_id, count: 1 }]);
    }
  });

  it("break counts down, by GET and by POST alike", async () => {
    const filter = `ad_id=='${ad_id}'`;
    const query = new URLSearchParams({ by: "country,device", window: "5", filter });
    const byGet = await service.get(`/v1/breakdown?${query}`);
    assert.equal(byGet.status, 200, JSON.stringify(byGet.body));
    assert.deepEqual(byGet.body["rows"], [
      { country: "DE", device: "phone", count: 1 },
      { country: "US", device: "phone", count: 2 },
    ]);
    const body = JSON.stringify({ by: ["country", "device"], window: 5, filter });
    const byPost = await service.send("POST", "/v1/breakdown", body);
    assert.deepEqual(byPost.body["rows"], byGet.body["rows"]);
  });

  it("break counts down page by page", async () => {
    const query = { by: "user_id", window: "5", filter: `ad_id=='${ad_id}'`, limit: "2" };
    const first = (await service.get(`/v1/breakdown?${new URLSearchParams(query)}`)).body;
    const cursor = first["next_cursor"] as string;
    const second = (await service.get(`/v1/breakdown?${new URLSearchParams({ ...query, cursor })}`))
      .body;
    const users = [...(first["rows"] as Json[]), ...(second["rows"] as Json[])].map(
      (row) => row["user_id"],
    );
    assert.deepEqual(users, ["u0", "u1", "u2"]);
    assert.equal(second["next_cursor"], null);
  });

  it("list the clicks behind a count page by page, with the original of a duplicate", async () => {
    const ad = newAd();
    const sent = click({ ad_id: ad, device: "phone", ip: "10.0.0.1" });
    for (const clicks of [[sent], [sent, click({ ad_id: ad })]]) {
      const answer = await service.send("POST", "/v1/clicks?wait=counted", JSON.stringify(clicks));
      assert.equal(answer.status, 200);
    }
    const minute = minuteOf(Date.now());
    const range = `from=${formatMinute(minute - 5)}&to=${formatMinute(minute + 5)}`;
    const explain = `/v1/ads/${ad}/explain?${range}&limit=2`;
    const { status, body } = await service.get(explain);
    assert.equal(status, 200, JSON.stringify(body));
    const counted = (await service.get(`/v1/ads/${ad}/aggregated_count?${range}`)).body;
    for (const name of ["ad_id", "from", "to", "filter", "count", "revision", "status"])
      assert.deepEqual(body[name], counted[name], name);
    for (const name of ["final_through", "watermark", "as_of"]) assert.ok(name in body, name);
    assert.deepEqual(body["outcomes"], {
      counted: 2,
      duplicate: 1,
      restated: 0,
      quarantined: 0,
      expired: 0,
      invalid: 0,
      voided: 0,
    });
    const next = await service.get(`${explain}&cursor=${String(body["next_cursor"])}`);
    assert.equal(next.body["next_cursor"], null);
    const clicks = [...(body["clicks"] as Json[]), ...(next.body["clicks"] as Json[])];
    const { received_at: firstReceivedAt, offset, row, partition } = clicks[0]!;
    assert.deepEqual(clicks[0], {
      event_id: sent["event_id"],
      click_timestamp: new Date(sent["click_timestamp"] as number).toISOString(),
      received_at: firstReceivedAt,
      outcome: "counted",
      source: clicks[0]!["source"],
      partition,
      offset,
      row,
      dimensions: { country: null, device: "phone", user_id: null, ip: "10.0.0.1" },
      original: null,
    });
    const duplicate = clicks.find(({ outcome }) => outcome === "duplicate")!;
    const { event_id, dimensions, original, ...recorded } = clicks[0]!;
    assert.deepEqual(duplicate["event_id"], event_id);
    assert.deepEqual(duplicate["dimensions"], dimensions);
    assert.deepEqual([duplicate["original"], original], [recorded, null]);
    assert.equal(clicks[2]!["outcome"], "counted");
    await assertExplainedAsCsv(explain, body);
  });

  async function assertExplainedAsCsv(route: string, json: Json): Promise<void> {
    const response = await fetch(service.url + route, { headers: { accept: "text/csv" } });
    for (const name of ["count", "status", "next-cursor", "duplicate"]) {
      const value = json[name.replace("-", "_")] ?? (json["outcomes"] as Json)[name];
      assert.equal(response.headers.get(`x-clicktally-${name}`), String(value), name);
    }
    const rows = parse(await response.text(), { columns: true }) as Record<string, string>[];
    const clicks = json["clicks"] as Record<string, Json>[];
    assert.equal(rows.length, clicks.length);
    for (const [i, cells] of rows.entries()) {
      for (const [column, cell] of Object.entries(cells)) {
        const [member, inner] = column.split(".") as [string, string?];
        const value = clicks[i]![member];
        assert.equal(cell, String((inner === undefined ? value : value?.[inner]) ?? ""), column);
      }
      assert.equal(Object.keys(cells).length, 8 + 4 + 7);
    }
  }

  it("explain the 0 of an ad that nobody clicked with an empty list", async () => {
    const { status, body } = await service.get("/v1/ads/nobody/explain?window=5");
    assert.deepEqual([status, body["count"], body["clicks"]], [200, 0, []]);
  });

  it("answer tables as CSV to who prefers it, with what is beside them in headers", async () => {
    const filter = encodeURIComponent(`ad_id=='${ad_id}'`);
    const tables: readonly (readonly [string, readonly string[]])[] = [
      [`${path}/aggregated_count?window=5`, ["ad_id", "from", "to", "count", "status", "revision"]],
      [
        `${path}/aggregated_count?window=5&granularity=minute`,
        ["ad_id", "start", "count", "status", "revision"],
      ],
      ["/v1/top?window=5", ["rank", "ad_id", "count"]],
      [`/v1/breakdown?window=5&by=country&filter=${filter}`, ["country", "count"]],
      [
        `/v1/breakdown?window=5&by=country&granularity=hour&filter=${filter}`,
        ["start", "country", "count"],
      ],
      [
        `/v1/breakdown?window=5&by=country&granularity=hour&filter=country==ZZ`,
        ["start", "country", "count"],
      ],
    ];
    for (const [route, columns] of tables) {
      const response = await fetch(service.url + route, {
        headers: { accept: "text/csv, application/json;q=0.5" },
      });
      assert.equal(response.headers.get("content-type"), "text/csv; charset=utf-8; header=present");
      assert.match(response.headers.get("x-clicktally-as-of")!, /^\d+$/);
      assert.equal(response.headers.get("x-clicktally-status"), "provisional");
      const [header, ...rows] = parse(await response.text()) as string[][];
      assert.deepEqual(header, columns);
      const json = (await service.get(route)).body;
      const expected = json["rows"] ?? json["ads"] ?? json["series"] ?? [json];
      assert.equal(rows.length, (expected as Json[]).length);
      assert.deepEqual(
        rows.map((row) => row[columns.indexOf("count")]),
        (expected as Json[]).map((row) => String(row["count"])),
      );
    }
  });

  const now = formatMinute(minuteOf(Date.now()));
  const earlier = formatMinute(minuteOf(Date.now()) - 60);
  const refused: readonly (readonly [what: string, path: string, code: string, field: string])[] = [
    ["no range", "/v1/top", "invalid_parameter", "window"],
    ["a reversed range", `/v1/top?from=${now}&to=${earlier}`, "invalid_parameter", "to"],
    ["an empty range", `/v1/top?from=${now}&to=${now}`, "invalid_parameter", "to"],
    ["half a range", `/v1/top?from=${now}`, "invalid_parameter", "to"],
    ["a mixed range", `/v1/top?from=${earlier}&to=${now}&window=5`, "invalid_parameter", "from"],
    ["a bad window", "/v1/top?window=5y", "invalid_parameter", "window"],
    ["a window of nothing", "/v1/top?window=0", "invalid_parameter", "window"],
    ["a bad time", `/v1/top?from=yesterday&to=${now}`, "invalid_parameter", "from"],
    ["a bad end", "/v1/top?window=5&end=soon", "invalid_parameter", "end"],
    ["too many ads", "/v1/top?window=5&topN=1001", "invalid_parameter", "topN"],
    ["no ads", "/v1/top?window=5&topN=0", "invalid_parameter", "topN"],
    ["a filter that does not end", "/v1/top?window=5&filter=country==", "invalid_filter", "filter"],
    [
      "a filter with an open parenthesis",
      "/v1/top?window=5&filter=(country==US",
      "invalid_filter",
      "filter",
    ],
    [
      "a filter with an unknown operator",
      "/v1/top?window=5&filter=country=gt=US",
      "invalid_filter",
      "filter",
    ],
    ["an unknown dimension", "/v1/top?window=5&filter=contry==US", "unknown_dimension", "filter"],
    [
      "an unknown attribute",
      "/v1/top?window=5&filter=ad.colour==red",
      "unknown_dimension",
      "filter",
    ],
    ["an unknown field to group by", "/v1/breakdown?window=5&by=planet", "unknown_dimension", "by"],
    [
      "too many fields to group by",
      "/v1/breakdown?window=5&by=country,device,ip,user_id",
      "invalid_parameter",
      "by",
    ],
    [
      "an unknown granularity",
      "/v1/breakdown?window=5&granularity=week",
      "invalid_parameter",
      "granularity",
    ],
    [
      "an unknown time zone",
      "/v1/breakdown?window=5&granularity=day&tz=Mars/Base",
      "invalid_parameter",
      "tz",
    ],
    ["a bad limit", "/v1/breakdown?window=5&limit=many", "invalid_parameter", "limit"],
    ["a bad cursor", "/v1/breakdown?window=5&by=country&cursor=x", "invalid_parameter", "cursor"],
    ["too many clicks", "/v1/ads/a/explain?window=5&limit=10001", "invalid_parameter", "limit"],
    [
      "a cursor that was not given out",
      "/v1/ads/a/explain?window=5&cursor=x",
      "invalid_parameter",
      "cursor",
    ],
    ["too many entries", "/v1/restatements?window=5&limit=100001", "invalid_parameter", "limit"],
    ["a cursor of no journal", "/v1/restatements?window=5&cursor=x", "invalid_parameter", "cursor"],
    [
      "a journal by dimension",
      "/v1/restatements?window=5&filter=x==1",
      "invalid_parameter",
      "filter",
    ],
    ["an as_of of none", "/v1/ads/a/explain?window=5&as_of=0", "invalid_parameter", "as_of"],
    ["an as_of to come", "/v1/breakdown?window=5&as_of=9999999", "invalid_parameter", "as_of"],
    ["a bad as_of", "/v1/top?window=5&as_of=now", "invalid_parameter", "as_of"],
    ["an unknown parameter", "/v1/ads/a/aggregated_count?windw=5", "invalid_parameter", "windw"],
    [
      "a bad range of the ledger",
      `/v1/ledger?from=${now}&to=${earlier}`,
      "invalid_parameter",
      "to",
    ],
  ];
  for (const [what, route, code, field] of refused) {
    it(`with ${what} are refused by name`, async () => {
      const { status, body } = await service.get(route);
      assert.deepEqual(
        [status, body["code"], body["field"]],
        [400, code, field],
        JSON.stringify(body),
      );
    });
  }

  it("as of a commit at which the range was not final are told what was", async () => {
    const { status, body } = await service.get("/v1/ads/a/explain?window=5&as_of=1");
    assert.deepEqual([status, body["code"], body["field"]], [410, "as_of_provisional", "as_of"]);
    assert.ok("final_through" in body);
  });

  it("with an unknown dimension are told the known ones", async () => {
    const { body } = await service.get("/v1/top?window=5&filter=contry==US");
    const known = body["known"] as string[];
    for (const { name } of defaultDimensions) assert.ok(known.includes(name), name);
  });
});
