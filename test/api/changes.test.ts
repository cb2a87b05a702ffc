import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { after, before, describe, it } from "node:test";
import { formatMinute, minuteMs, minuteOf } from "../../src/model/time.ts";
import type { ChangeRow } from "../support/changes-reader.ts";
import { ChangesTable, readChanges } from "../support/changes-reader.ts";
import { eventually } from "../support/eventually.ts";
import type { Json } from "./running-service.ts";
import { click, newAd, RunningService } from "./running-service.ts";

let service: RunningService;
before(async () => {
  service = await RunningService.start();
});
after(() => service[Symbol.asyncDispose]());

const now = minuteOf(Date.now());

async function send(...clicks: Json[]): Promise<void> {
  const body = JSON.stringify(clicks);
  const { status } = await service.send("POST", "/v1/clicks?wait=counted", body);
  assert.equal(status, 200);
}

async function linesOf(request: Parameters<typeof readChanges>[1]): Promise<ChangeRow[]> {
  const lines: ChangeRow[] = [];
  for await (const { line } of readChanges(service.url, { follow: false, ...request }))
    lines.push(line);
  return lines;
}

/** The mark at the end, which every stream to the present has. */
async function present(): Promise<string> {
  return String((await linesOf({})).at(-1)!["since"]);
}

describe("GET /v1/changes", () => {
  it("tells absolute counts with all minute dimensions, then a mark", async () => {
    const ad_id = newAd();
    const since = await present();
    const here = { ad_id, click_timestamp: now * minuteMs, country: "DE", device: "tv" };
    await send(click(here), click(here), click({ ad_id, click_timestamp: now * minuteMs }));
    const rows = (asOf: unknown) => [
      { minute: formatMinute(now), ad_id, country: null, device: null, count: 1, as_of: asOf },
      { minute: formatMinute(now), ad_id, country: "DE", device: "tv", count: 2, as_of: asOf },
    ];
    const first = await linesOf({ since });
    const mark = first.at(-1)!;
    assert.deepEqual(first.slice(0, -1), rows(first[0]!["as_of"]));
    assert.deepEqual(Object.keys(mark), ["as_of", "since"]);
    assert.ok(Number(mark["as_of"]) >= Number(first[0]!["as_of"]));
    await send(click(here));
    const second = await linesOf({ since: String(mark["since"]) });
    assert.deepEqual(
      second.slice(0, -1).map(({ device, count }) => [device, count]),
      [["tv", 3]],
    );
  });

  it("begins with all that is kept, and goes on behind the as_of of any answer", async () => {
    const ad_id = newAd();
    await send(click({ ad_id }));
    assert.ok((await linesOf({})).some((line) => line["ad_id"] === ad_id));
    const { body } = await service.get(`/v1/ads/${ad_id}/aggregated_count?window=5`);
    const rest = await linesOf({ since: String(body["as_of"]) });
    assert.ok(rest.every((line) => line["ad_id"] !== ad_id));
  });

  it("tells only what a filter over ads and minute dimensions takes", async () => {
    const ad_id = newAd();
    const since = await present();
    await send(click({ ad_id, country: "DE" }), click({ ad_id, country: "US" }), click({ ad_id }));
    const countries = async (filter: string) =>
      (await linesOf({ since, filter })).slice(0, -1).map(({ country }) => country);
    assert.deepEqual(await countries(`ad_id==${ad_id};country=in=(us,fr)`), ["US"]);
    assert.deepEqual(await countries(`ad_id==${ad_id};country!=US`), [null, "DE"]);
    assert.deepEqual(await countries("ad_id==nobody"), []);
  });

  for (const [parameters, status, code, field] of [
    ["since=x", 400, "invalid_parameter", "since"],
    ["since=999999", 400, "invalid_parameter", "since"],
    ["since=1-abc", 410, "history_replaced", "since"],
    ["filter=user_id==u1", 400, "unknown_dimension", "filter"],
    ["filter=ad.campaign_id==c1", 400, "unknown_dimension", "filter"],
    ["follow=no", 400, "invalid_parameter", "follow"],
    ["window=5", 400, "invalid_parameter", "window"],
  ] as const) {
    it(`refuses ${parameters} with ${status} ${code}`, async () => {
      const { body, ...answer } = await service.get(`/v1/changes?${parameters}`);
      assert.deepEqual([answer.status, body["code"], body["field"]], [status, code, field]);
    });
  }

  it("goes on as commits come, also as events, within moments", async () => {
    for (const asEvents of [false, true]) {
      const since = await present();
      const ad_id = newAd();
      const leaving = new AbortController();
      const filter = `ad_id==${ad_id}`;
      const stream = readChanges(service.url, {
        since,
        filter,
        asEvents,
        signal: leaving.signal,
      });
      await stream.next();
      for (let count = 1; count <= 5; count++) {
        await send(click({ ad_id, click_timestamp: now * minuteMs }));
        const countedMs = performance.now();
        let told = (await stream.next()).value!;
        while (told.line["count"] !== count) told = (await stream.next()).value!;
        const afterMs = performance.now() - countedMs;
        assert.ok(afterMs < 2_000, `told ${afterMs} ms after it was counted`);
      }
      leaving.abort();
      const rest = async (): Promise<void> => {
        while (!(await stream.next()).done);
      };
      await assert.rejects(rest(), { name: "AbortError" });
    }
  });

  it("goes on behind the Last-Event-ID of events, whatever the URL began with", async () => {
    const table = new ChangesTable();
    const ad_id = newAd();
    await send(click({ ad_id }));
    for await (const told of readChanges(service.url, { asEvents: true, follow: false }))
      table.take(told);
    await send(click({ ad_id, country: "FR" }));
    const { since } = table;
    const url = `${service.url}/v1/changes?since=0&follow=false`;
    const headers = { accept: "text/event-stream", "last-event-id": since };
    const response = await fetch(url, { headers });
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const events = (await response.text()).split("\n\n").filter((text) => text !== "");
    assert.equal(events.length, 2);
    assert.match(events[0]!, /^data: \{"minute".*"country":"FR"/);
    assert.match(events[1]!, /^id: (\S+)\nevent: mark\ndata: \{"as_of":\d+,"since":"\1"\}$/);
  });

  it("has no HEAD, which would begin a stream for nobody", async () => {
    const { status, headers } = await fetch(`${service.url}/v1/changes`, { method: "HEAD" });
    assert.deepEqual([status, headers.get("allow")], [405, "GET"]);
  });
});

describe("a service that stops", () => {
  it("ends streams at a whole line, at once, for who reads and for who does not", async () => {
    const stopping = await RunningService.start();
    const reader = readChanges(stopping.url, {});
    await reader.next();
    const [idle] = (await once(
      httpRequest(`${stopping.url}/v1/changes`, { headers: { accept: "text/event-stream" } }).end(),
      "response",
    )) as [IncomingMessage];
    const stopped = stopping[Symbol.asyncDispose]();
    const end = await eventually("the stream ends", async () => {
      const next = await reader.next();
      return next.done ? next : undefined;
    });
    assert.equal(end.done, true);
    await stopped;
    idle.resume();
    await once(idle, "end");
    assert.equal(idle.complete, true);
  });
});
