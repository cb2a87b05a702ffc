import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { textAt } from "../../src/model/click-batch.ts";
import { CodedError } from "../../src/model/errors.ts";
import { receivedAtMs } from "./decoding.ts";
import { clicks, clicksRecord, ndjsonBody, startIngest } from "./ingest-harness.ts";

describe("accept", () => {
  it("answers with what was taken and where it lies", async () => {
    await using harness = await startIngest();
    const [first, second] = clicks(2, "a");
    const { ad_id, click_timestamp } = second as { ad_id: string; click_timestamp: number };
    const answer = await harness.ingest.accept(
      ndjsonBody([first!, "{}", { ad_id, click_timestamp }]),
    );
    assert.deepEqual(answer, {
      received: 3,
      accepted: 2,
      rejected: 1,
      derived_ids: 1,
      errors: [
        {
          index: 1,
          field: "ad_id",
          code: "missing_field",
          message: "ad_id is missing: a string of 1 to 256 bytes is expected",
        },
      ],
      ranges: [{ partition: 0, offset: 0, fromRow: 0, toRow: 2 }],
    });
    const log = await harness.log();
    assert.deepEqual(
      log.map(({ kind, receivedAtMs: time }) => [kind, time]),
      [
        ["clicks", receivedAtMs],
        ["rejects", receivedAtMs],
      ],
    );
    const record = clicksRecord(log[0]);
    assert.deepEqual([record.source, record.history, record.batch.rowCount], ["http", false, 2]);
    assert.equal(textAt(record.batch.ad, 1), "ad-1");
  });

  it("takes JSON and NDJSON, plain and compressed", async () => {
    await using harness = await startIngest();
    const { ingest } = harness;
    const json = Buffer.from(JSON.stringify(clicks(2, "j")));
    const { bytes } = ndjsonBody(clicks(2, "n"));
    const contentType = "application/json";
    const bodies = [
      ndjsonBody([], { bytes, contentEncoding: "identity" }),
      ndjsonBody([], { bytes: gzipSync(bytes), contentEncoding: "gzip" }),
      ndjsonBody([], { bytes: zstdCompressSync(bytes), contentEncoding: "zstd" }),
      ndjsonBody([], { bytes: json, contentType }),
      ndjsonBody([], { bytes: gzipSync(json), contentType, contentEncoding: "gzip" }),
    ];
    for (const body of bodies) assert.equal((await ingest.accept(body)).accepted, 2);
  });

  it("refuses bodies as a whole and appends nothing of them", async () => {
    await using harness = await startIngest({
      settings: { bodyBytesMax: 10_000, decompressedBytesMax: 5000, itemsMax: 20 },
    });
    const { ingest } = harness;
    const good = JSON.stringify(clicks(3, "x"));
    const text = (body: string) => ({ bytes: Buffer.from(body), contentType: "application/json" });
    const refused = async (code: string, changes: Partial<Parameters<typeof ingest.accept>[0]>) => {
      await assert.rejects(ingest.accept(ndjsonBody([], changes)), (error) => {
        assert.ok(error instanceof CodedError);
        assert.equal(error.code, code, error.message);
        return true;
      });
    };
    await refused("malformed_json", text(`${good.slice(0, -1)},`));
    await refused("unsupported_media_type", { contentType: "text/plain" });
    await refused("unsupported_encoding", { contentEncoding: "br" });
    await refused("malformed_encoding", { ...text(good), contentEncoding: "gzip" });
    await refused("body_too_large", { bytes: new Uint8Array(10_001) });
    await refused("body_too_large", { bytes: new Uint8Array(5001) });
    await refused("body_too_large", {
      bytes: gzipSync(new Uint8Array(1e6)),
      contentEncoding: "gzip",
    });
    await refused("batch_too_large", text(JSON.stringify(clicks(21, "y"))));
    await refused("invalid_parameter", { source: "" });
    await refused("invalid_parameter", { source: "é".repeat(65) });
    assert.deepEqual(harness.appends, []);
    assert.equal((await ingest.accept(ndjsonBody([], text(good)))).accepted, 3);
    assert.equal((await harness.log()).length, 1);
  });

  it("appends nothing for a body without items", async () => {
    await using harness = await startIngest();
    const answer = await harness.ingest.accept(ndjsonBody(["", " "]));
    assert.deepEqual(answer, {
      received: 0,
      accepted: 0,
      rejected: 0,
      derived_ids: 0,
      errors: [],
      ranges: [],
    });
    assert.deepEqual(harness.appends, []);
  });

  it("logs rejects before their sender is told, also where nothing was accepted", async () => {
    await using harness = await startIngest();
    const answer = await harness.ingest.accept(ndjsonBody(["{}", "x", "{}"]));
    assert.deepEqual([answer.accepted, answer.rejected, answer.ranges], [0, 3, []]);
    assert.deepEqual(await harness.log(), [
      {
        kind: "rejects",
        receivedAtMs,
        source: "http",
        counts: { missing_field: 2, malformed_json: 1 },
      },
    ]);
  });

  it("measures the future by the receipt of the group", async () => {
    await using harness = await startIngest();
    const click = { ad_id: "a", click_timestamp: receivedAtMs + 100_000, event_id: "e" };
    assert.equal(
      (await harness.ingest.accept(ndjsonBody([click]))).errors[0]?.code,
      "future_timestamp",
    );
    harness.clock.nowMs += 40_000;
    assert.equal((await harness.ingest.accept(ndjsonBody([click]))).accepted, 1);
    assert.equal((await harness.log()).at(-1)!.receivedAtMs, receivedAtMs + 40_000);
  });
});

describe("stopping", () => {
  it("finishes what waits and refuses what comes", async () => {
    await using harness = await startIngest();
    const waiting = [1, 2, 3].map((i) => harness.ingest.accept(ndjsonBody(clicks(1, `w${i}`))));
    const stopped = harness.ingest[Symbol.asyncDispose]();
    await stopped;
    assert.equal((await harness.log()).length, 1);
    for (const answer of await Promise.all(waiting)) assert.equal(answer.accepted, 1);
    await assert.rejects(harness.ingest.accept(ndjsonBody(clicks(1, "late"))), {
      code: "not_ready",
    });
  });
});
