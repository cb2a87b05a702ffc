import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import { encodeClickBatch } from "../../src/model/click-batch-codec.ts";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import { minuteMs } from "../../src/model/time.ts";
import type { Json } from "./running-service.ts";
import { RunningService, newAd } from "./running-service.ts";

let service: RunningService;
before(async () => {
  service = await RunningService.start();
});
after(() => service[Symbol.asyncDispose]());

describe("history", () => {
  const type = "application/vnd.clicktally.click-batch";
  const batchOf = (
    ad_id: string,
    count: number,
    layout = defaultDimensions,
  ): Uint8Array<ArrayBuffer> => {
    const builder = new ClickBatchBuilder(layout);
    for (let i = 0; i < count; i++) {
      const click_timestamp = Date.UTC(2026, 0, 1, 0, i);
      builder.add({ ad_id, click_timestamp, event_id: `e${i}`, dimensions: { country: "US" } });
    }
    return new Uint8Array(encodeClickBatch(builder.build()));
  };

  it("is imported as a batch, exactly once", async () => {
    const ad_id = newAd();
    const path = "/v1/admin/import?source=import:test&wait=counted";
    const first = await service.send("POST", path, batchOf(ad_id, 3), { "content-type": type });
    assert.equal(first.status, 200, JSON.stringify(first.body));
    assert.deepEqual(
      [first.body["received"], first.body["counted"], first.body["duplicates"]],
      [3, 3, 0],
    );
    const again = await service.send("POST", path, batchOf(ad_id, 3), { "content-type": type });
    assert.deepEqual([again.body["counted"], again.body["duplicates"]], [0, 3]);
    const range = "from=2026-01-01T00:00:00Z&to=2026-01-01T00:02:00Z";
    assert.equal(
      (await service.get(`/v1/ads/${ad_id}/aggregated_count?${range}`)).body["count"],
      2,
    );
  });

  const refused: readonly (readonly [string, Uint8Array<ArrayBuffer>, number, string])[] = [
    [
      "bytes that are no batch",
      new TextEncoder().encode("hello, world"),
      400,
      "malformed_encoding",
    ],
    ["nothing", new Uint8Array(0), 400, "malformed_encoding"],
    ["half a batch", batchOf("a", 3).slice(0, 100), 400, "malformed_encoding"],
    [
      "unknown dimensions",
      batchOf("a", 1, [
        { name: "country", in: "raw", type: "country" },
        { name: "planet", in: "raw", type: "string" },
      ]),
      400,
      "unknown_dimension",
    ],
    ["an ad_id that is too long", batchOf("a".repeat(257), 1), 400, "invalid_parameter"],
  ];
  for (const [what, bytes, status, code] of refused) {
    it(`is refused as ${what}`, async () => {
      const answer = await service.send("POST", "/v1/admin/import?source=import:test", bytes, {
        "content-type": type,
      });
      assert.deepEqual(
        [answer.status, answer.body["code"]],
        [status, code],
        JSON.stringify(answer.body),
      );
    });
  }
});

describe("the books", () => {
  it("balance, by source and minute of receipt", async () => {
    await service.assertLives();
    const range = new URLSearchParams({
      from: String(Date.now() - 10 * minuteMs),
      to: String(Date.now() + minuteMs),
    });
    const { status, body } = await service.get(`/v1/ledger?${range}`);
    assert.equal(status, 200);
    assert.equal(body["balanced"], true);
    const total = body["total"] as Record<string, number>;
    const { received, ...outcomes } = total;
    assert.equal(
      received,
      Object.values(outcomes).reduce((sum, count) => sum + count, 0),
    );
    const sources = new Set((body["rows"] as { source: string }[]).map(({ source }) => source));
    assert.ok(sources.has("http"));
    const csv = await fetch(`${service.url}/v1/ledger?${range}`, {
      headers: { accept: "text/csv" },
    });
    assert.equal(csv.headers.get("x-clicktally-balanced"), "true");
    assert.match(
      await csv.text(),
      /^minute,source,received,counted,duplicate,restated,quarantined,expired,invalid,voided\r\n/,
    );
  });

  it("hold against a recount from raw, of all or of a range", async () => {
    await service.assertLives();
    for (const init of [
      {},
      { body: JSON.stringify({ window: 60 }), headers: { "content-type": "application/json" } },
    ]) {
      const response = await fetch(`${service.url}/v1/admin/audit`, { method: "POST", ...init });
      assert.equal(response.status, 200);
      const body = (await response.json()) as Json;
      assert.deepEqual([body["differing_rows"], body["ledger_balanced"]], [0, true]);
      assert.ok((body["compared_clicks"] as number) > 0);
    }
    const sampled = await service.send("POST", "/v1/admin/audit?sample=2", '{"seed":5}');
    assert.deepEqual(
      [sampled.status, sampled.body["checked_minutes"], sampled.body["seed"]],
      [200, 2, 5],
    );
    const refused = await fetch(`${service.url}/v1/admin/audit?from=yesterday`, { method: "POST" });
    assert.equal(refused.status, 400);
    await refused.body?.cancel();
  });

  it("have a status with progress, lag and sizes", async () => {
    const { status, body } = await service.get("/v1/status");
    assert.equal(status, 200);
    assert.equal(body["status"], "ready");
    const [partition] = body["partitions"] as Json[];
    assert.ok((partition!["next_offset"] as number) > 0);
    assert.ok(((body["dedup"] as Json)["ids"] as number) > 0);
    assert.deepEqual([body["ledger_balanced"], body["ledger_imbalance"]], [true, 0]);
    const { mismatched_buckets, mismatches } = body["audit"] as Json;
    assert.deepEqual([mismatched_buckets, mismatches], [0, []]);
    for (const size of ["store_bytes", "resident_bytes", "uptime_seconds"]) {
      assert.ok((body[size] as number) > 0, size);
    }
  });
});
