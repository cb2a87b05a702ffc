import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { textAt } from "../../src/model/click-batch.ts";
import { CodedError } from "../../src/model/errors.ts";
import { partitionOf } from "../../src/model/partition.ts";
import { eventually } from "../support/eventually.ts";
import { receivedAtMs } from "./decoding.ts";
import {
  clicks,
  clicksRecord,
  eventIds,
  idsIn,
  ndjsonBody,
  startIngest,
} from "./ingest-harness.ts";

describe("a group commit", () => {
  it("makes one record of many small bodies, and tells each its rows", async () => {
    await using harness = await startIngest();
    const bodies = Array.from({ length: 50 }, (_, i) => clicks(1 + (i % 4), `body${i}-`));
    const answers = await Promise.all(
      bodies.map((sent) => harness.ingest.accept(ndjsonBody(["x", ...sent]))),
    );
    assert.equal(harness.appends.length, 1);
    assert.deepEqual(
      (await harness.log()).map(({ kind }) => kind),
      ["clicks", "rejects"],
    );
    for (const [i, answer] of answers.entries()) {
      assert.deepEqual(await idsIn(harness, answer), eventIds(bodies[i]!));
    }
    assert.deepEqual((await harness.log())[1], {
      kind: "rejects",
      receivedAtMs,
      source: "http",
      counts: { malformed_json: 50 },
    });
  });

  it("waits for the bodies that have arrived at the same time from another thread", async () => {
    await using harness = await startIngest();
    const { port1, port2 } = new MessageChannel();
    const answers: Promise<unknown>[] = [];
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    port2.on("message", (sent: object[]) => {
      answers.push(harness.ingest.accept(ndjsonBody(sent)));
      if (answers.length === 20) resolve();
    });
    for (let i = 0; i < 20; i++) port1.postMessage(clicks(1, `m${i}-`));
    await arrived;
    await Promise.all(answers);
    port1.close();
    assert.equal(harness.appends.length, 1);
  });

  it("gathers the next group while one is being appended", async () => {
    await using harness = await startIngest();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    harness.onAppend = () => released;
    const first = harness.ingest.accept(ndjsonBody(clicks(1, "first")));
    await eventually("the first append", () => (harness.appends.length === 1 ? true : undefined));
    const later = Array.from({ length: 10 }, (_, i) =>
      harness.ingest.accept(ndjsonBody(clicks(2, `later${i}-`))),
    );
    release();
    await Promise.all([first, ...later]);
    assert.deepEqual(
      harness.appends.map((records) => records.map(({ clickCount }) => clickCount)),
      [[1], [20]],
    );
  });

  it("keeps sources and history apart", async () => {
    await using harness = await startIngest();
    const kinds = [
      { source: "http", history: false },
      { source: "http", history: true },
      { source: "tracker", history: false },
    ];
    const answers = await Promise.all(
      [...kinds, ...kinds].map((kind, i) =>
        harness.ingest.accept(ndjsonBody(["{}", ...clicks(2, `${i}-`)], kind)),
      ),
    );
    const log = await harness.log();
    const records = log.slice(0, 3).map(clicksRecord);
    assert.deepEqual(
      records.map(({ source, history, batch }) => ({ source, history, rows: batch.rowCount })),
      [
        { source: "http", history: false, rows: 4 },
        { source: "http", history: true, rows: 4 },
        { source: "tracker", history: false, rows: 4 },
      ],
    );
    const rejects = log
      .slice(3)
      .map((record) => (record.kind === "rejects" ? [record.source, record.counts] : []));
    assert.deepEqual(rejects, [
      ["http", { missing_field: 4 }],
      ["tracker", { missing_field: 2 }],
    ]);
    for (const [i, answer] of answers.entries()) {
      assert.deepEqual(await idsIn(harness, answer), [`${i}-0`, `${i}-1`]);
    }
  });

  it("forgets a refused body between good ones", async () => {
    await using harness = await startIngest();
    const large = JSON.stringify(clicks(40_000, "bad"));
    const bodies = [
      ndjsonBody(clicks(3, "a")),
      ndjsonBody([], {
        bytes: Buffer.from(`${large.slice(0, -1)},!`),
        contentType: "application/json",
      }),
      ndjsonBody(clicks(3, "b")),
    ];
    const [a, bad, b] = await Promise.allSettled(bodies.map((body) => harness.ingest.accept(body)));
    assert.equal(bad!.status, "rejected");
    assert.ok(a?.status === "fulfilled" && b?.status === "fulfilled");
    assert.deepEqual(
      harness.appends.map((records) => records.map(({ clickCount }) => clickCount)),
      [[6]],
    );
    assert.deepEqual(await idsIn(harness, a.value), ["a0", "a1", "a2"]);
    assert.deepEqual(await idsIn(harness, b.value), ["b0", "b1", "b2"]);
  });

  it("cuts a large body into records", async () => {
    await using harness = await startIngest();
    const sent = clicks(40_000, "large", 100);
    const [before, answer] = await Promise.all([
      harness.ingest.accept(ndjsonBody(clicks(10, "small"))),
      harness.ingest.accept(ndjsonBody(sent)),
    ]);
    assert.deepEqual(
      harness.appends[0]!.map(({ clickCount }) => clickCount),
      [16_384, 16_384, 7242],
    );
    assert.deepEqual(answer.ranges, [
      { partition: 0, offset: 0, fromRow: 10, toRow: 16_384 },
      { partition: 0, offset: 1, fromRow: 0, toRow: 16_384 },
      { partition: 0, offset: 2, fromRow: 0, toRow: 7242 },
    ]);
    assert.deepEqual(await idsIn(harness, before), eventIds(clicks(10, "small")));
    assert.deepEqual(await idsIn(harness, answer), eventIds(sent));
    const history = await harness.ingest.accept(ndjsonBody(sent, { history: true }));
    assert.equal(history.ranges.length, 1);
  });

  it("bounds a group: what does not fit is the next one", async () => {
    await using harness = await startIngest();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        harness.ingest.accept(ndjsonBody(clicks(10_000, `b${i}-`, 10))),
      ),
    );
    assert.equal(
      answers.reduce((sum, { accepted }) => sum + accepted, 0),
      80_000,
    );
    const rows = harness.appends.map((records) =>
      records.reduce((sum, { clickCount }) => sum + clickCount, 0),
    );
    assert.deepEqual(rows, [40_000, 40_000]);
  });

  it("sends every click to the partition of its ad", async () => {
    const partitionCount = 4;
    await using harness = await startIngest({ partitionCount });
    const bodies = Array.from({ length: 5 }, (_, i) => clicks(30, `p${i}-`));
    const answers = await Promise.all(
      bodies.map((sent) => harness.ingest.accept(ndjsonBody(sent))),
    );
    let rows = 0;
    for (let partition = 0; partition < partitionCount; partition++) {
      const log = await harness.log(partition);
      assert.equal(log.length, 1);
      const { batch } = clicksRecord(log[0]);
      rows += batch.rowCount;
      for (let row = 0; row < batch.rowCount; row++) {
        assert.equal(partitionOf(Buffer.from(textAt(batch.ad, row)!), partitionCount), partition);
      }
    }
    assert.equal(rows, 150);
    for (const [i, answer] of answers.entries()) {
      assert.ok(answer.ranges.length > 1);
      assert.deepEqual((await idsIn(harness, answer)).toSorted(), eventIds(bodies[i]!).toSorted());
    }
  });

  it("uses its builders again without leaving anything behind", async () => {
    await using harness = await startIngest();
    const full = {
      ad_id: "a",
      click_timestamp: 1000,
      event_id: "e",
      country: "US",
      device: "tv",
      user_id: "u",
      ip: "1.2.3.4",
    };
    const bare = { ad_id: "b", click_timestamp: 1000, event_id: "f" };
    await harness.ingest.accept(ndjsonBody(Array.from({ length: 3000 }, () => full)));
    await harness.ingest.accept(ndjsonBody([bare, full]));
    const { batch } = clicksRecord((await harness.log())[1]);
    for (const { column } of batch.dimensions) {
      if (column.type === "ip") assert.deepEqual([...column.present], [0, 1]);
      else assert.deepEqual([...column.codes], [0, 1]);
    }
  });
});

describe("a failed append", () => {
  it("is told to every body of the group, and the next group goes on", async () => {
    await using harness = await startIngest();
    harness.onAppend = () => {
      throw new CodedError("queue_full", "no room");
    };
    const results = await Promise.allSettled([
      ...[1, 2, 3].map((i) => harness.ingest.accept(ndjsonBody(clicks(2, `x${i}`)))),
      harness.ingest.appendControl({
        type: "ad_attributes",
        changes: [{ ad_id: "a", attributes: {}, valid_from_minute: 0 }],
      }),
    ]);
    for (const result of results) {
      assert.ok(result.status === "rejected");
      assert.equal((result.reason as CodedError).code, "queue_full");
    }
    assert.equal(harness.appends.length, 1);
    harness.onAppend = () => {};
    const answer = await harness.ingest.accept(ndjsonBody(clicks(2, "y")));
    assert.deepEqual(await idsIn(harness, answer), ["y0", "y1"]);
    assert.equal((await harness.log()).length, 1);
    assert.equal(harness.ingest.totals.accepted, 2);
  });

  it("is that of the queue whose budget is used up", async () => {
    await using harness = await startIngest({ maxBytes: 300_000 });
    const sent = Array.from({ length: 5000 }, (_, i) => ({
      ...clicks(1, `${i}-`)[0],
      user_id: `user number ${i} ${"x".repeat(100)}`,
    }));
    await assert.rejects(harness.ingest.accept(ndjsonBody(sent)), { code: "queue_full" });
    assert.equal((await harness.ingest.accept(ndjsonBody(clicks(5, "small")))).accepted, 5);
    assert.equal((await harness.log()).length, 1);
  });

  it("of a sync is the end: nothing is taken afterwards", async () => {
    await using harness = await startIngest();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    harness.onAppend = async () => {
      await released;
      throw new CodedError("storage_failed", "sync failed");
    };
    const first = harness.ingest.accept(ndjsonBody(clicks(1, "a")));
    await eventually("the append", () => (harness.appends.length === 1 ? true : undefined));
    const waiting = harness.ingest.accept(ndjsonBody(clicks(1, "b")));
    release();
    await assert.rejects(first, { code: "storage_failed" });
    await assert.rejects(waiting, { code: "storage_failed" });
    await assert.rejects(harness.ingest.accept(ndjsonBody(clicks(1, "c"))), {
      code: "storage_failed",
    });
    assert.equal(harness.appends.length, 1);
  });
});
