import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { after, before, describe, it } from "node:test";
import { eventually } from "../support/eventually.ts";
import type { Json } from "./running-service.ts";
import { click, newAd, RunningService } from "./running-service.ts";

let service: RunningService;
before(async () => {
  service = await RunningService.start();
});
after(() => service[Symbol.asyncDispose]());

/** The data of events as they come. */
async function* liveEvents(query: string, signal: AbortSignal): AsyncGenerator<Json> {
  const response = await fetch(`${service.url}/v1/live${query}`, { signal });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.equal(response.headers.get("cache-control"), "no-store");
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const parts = text.split("\n\n");
    text = parts.pop()!;
    for (const part of parts) yield JSON.parse(/^event: live\ndata: (.*)$/.exec(part)![1]!) as Json;
  }
}

describe("GET /v1/live", () => {
  it("tells what /v1/status and /v1/top say, at once, and again within moments of a click", async () => {
    const ad_id = newAd();
    const filter = `filter=${encodeURIComponent(`ad_id==${ad_id}`)}`;
    await service.send("POST", "/v1/clicks?wait=counted", JSON.stringify(click({ ad_id })));
    const leaving = new AbortController();
    const events = liveEvents(`?window=5m&${filter}`, leaving.signal);
    const first = (await events.next()).value as Json;
    const { ads, as_of } = (await service.get(`/v1/top?window=5m&${filter}`)).body;
    assert.deepEqual((first["top"] as Json)["ads"], ads);
    assert.deepEqual(ads, [{ rank: 1, ad_id, count: 1 }]);
    assert.ok(Number((first["status"] as Json)["as_of"]) <= Number(as_of));
    const received = (event: Json) =>
      Number(((event["status"] as Json)["totals"] as Json)["received"]);
    await service.send("POST", "/v1/clicks?wait=counted", JSON.stringify(click({ ad_id })));
    const sentMs = performance.now();
    for (;;) {
      const event = (await events.next()).value as Json;
      const told = (event["top"] as Json)["ads"] as readonly Json[];
      if (told[0]!["count"] !== 2) continue;
      assert.equal(received(event), received(first) + 1);
      assert.equal(typeof event["clicks_a_second"], "number");
      break;
    }
    assert.ok(performance.now() - sentMs < 5_000);
    leaving.abort();
  });

  for (const [parameters, code, field] of [
    ["filter=nonsense==1", "unknown_dimension", "filter"],
    ["window=soon", "invalid_parameter", "window"],
    ["topN=0", "invalid_parameter", "topN"],
    ["from=1", "invalid_parameter", "from"],
  ] as const) {
    it(`refuses ${parameters} with 400 ${code}`, async () => {
      const { status, body } = await service.get(`/v1/live?${parameters}`);
      assert.deepEqual([status, body["code"], body["field"]], [400, code, field]);
    });
  }

  it("has no HEAD, which would begin a stream for nobody", async () => {
    const { status } = await fetch(`${service.url}/v1/live`, { method: "HEAD" });
    assert.equal(status, 405);
  });

  it("ends with the service, at the end of an event, for who reads and for who does not", async () => {
    const stopping = await RunningService.start();
    const [idle] = (await once(httpRequest(`${stopping.url}/v1/live`).end(), "response")) as [
      IncomingMessage,
    ];
    const response = await fetch(`${stopping.url}/v1/live`);
    const text = response.text();
    await eventually("the service stops", async () => {
      await stopping[Symbol.asyncDispose]();
      return true;
    });
    assert.match(await text, /^(?:event: live\ndata: .*\n\n)+$/);
    idle.resume();
    await once(idle, "end");
    assert.equal(idle.complete, true);
  });
});

describe("GET /v1/dimensions", () => {
  it("names the fields that are configured", async () => {
    const { body } = await service.get("/v1/dimensions");
    assert.deepEqual(body, {
      dimensions: [
        { name: "country", in: "minute", type: "country" },
        { name: "device", in: "minute", type: "string" },
        { name: "user_id", in: "raw", type: "string" },
        { name: "ip", in: "raw", type: "ip" },
      ],
      ads: ["campaign_id", "advertiser_id"],
    });
  });
});

describe("GET /v1/breakdown?order=count", () => {
  it("has the highest counts first, one page of them", async () => {
    const ad_id = newAd();
    const clicks = ["DE", "US", "US", "FR", "US", "FR"].map((country) => click({ ad_id, country }));
    await service.send("POST", "/v1/clicks?wait=counted", JSON.stringify(clicks));
    const query = `window=5m&filter=ad_id==${ad_id}&by=country`;
    const rows = (body: Json) =>
      (body["rows"] as readonly Json[]).map(({ country, count }) => [country, count]);
    const all = await service.get(`/v1/breakdown?${query}&order=count`);
    const byCount = [
      ["US", 3],
      ["FR", 2],
      ["DE", 1],
    ];
    assert.deepEqual(rows(all.body), byCount);
    const cut = await service.get(`/v1/breakdown?${query}&order=count&limit=2`);
    assert.deepEqual([rows(cut.body), cut.body["next_cursor"]], [byCount.slice(0, 2), null]);
    const posted = await service.send(
      "POST",
      "/v1/breakdown",
      JSON.stringify({ window: 5, filter: `ad_id==${ad_id}`, by: ["country"], order: "count" }),
    );
    assert.deepEqual(rows(posted.body), byCount);
    const byKey = await service.get(`/v1/breakdown?${query}&order=key&limit=1`);
    assert.deepEqual(rows(byKey.body), [["DE", 1]]);
    const cursor = encodeURIComponent(String(byKey.body["next_cursor"]));
    const mixed = await service.get(`/v1/breakdown?${query}&order=count&cursor=${cursor}`);
    assert.deepEqual([mixed.status, mixed.body["field"]], [400, "cursor"]);
  });

  it("refuses an order that is not known", async () => {
    const { status, body } = await service.get("/v1/breakdown?window=5m&order=up");
    assert.deepEqual([status, body["code"], body["field"]], [400, "invalid_parameter", "order"]);
  });
});
