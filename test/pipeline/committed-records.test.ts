import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Effects } from "../../src/aggregate/effects.ts";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import type { Commit } from "../../src/model/commit.ts";
import { systemClock } from "../../src/clock/system-clock.ts";
import { Outcome } from "../../src/model/outcome.ts";
import { CommittedRecords } from "../../src/pipeline/committed-records.ts";
import { testDimensions } from "../support/random-clicks.ts";

const batch = new ClickBatchBuilder(testDimensions).build();

/** Of one record, with these outcomes. */
function commitOf(partition: number, offset: number, outcomes: Uint8Array): Commit {
  const effects = new Effects([]);
  effects.clicks.push({
    partition,
    offset,
    receivedAtMs: 0,
    source: "http",
    batch,
    adKeys: new Int32Array(outcomes.length),
    dimensionKeys: new Map(),
    outcomes,
  });
  return effects.toCommit(offset + 1, 0, [], [], {
    partition,
    nextOffset: offset + 1,
    watermarkMs: 0,
  });
}

describe("committed records", () => {
  it("tell who waits once all of its positions are committed", async () => {
    const records = new CommittedRecords(systemClock, [{ partition: 0, nextOffset: 5 }]);
    assert.equal(await records.wait([{ partition: 0, offset: 4 }], 0), true);
    let isCommitted: boolean | undefined;
    const positions = [
      { partition: 0, offset: 5 },
      { partition: 1, offset: 0 },
    ];
    const waiting = records.wait(positions, 60_000).then((answer) => (isCommitted = answer));
    records.note(commitOf(0, 5, Uint8Array.of()));
    await new Promise(setImmediate);
    assert.equal(isCommitted, undefined);
    records.note(commitOf(1, 0, Uint8Array.of()));
    assert.equal(await waiting, true);
  });

  it("tell who has waited too long, and forget him", async () => {
    const records = new CommittedRecords(systemClock, []);
    assert.equal(await records.wait([{ partition: 0, offset: 0 }], 1), false);
    records.note(commitOf(0, 0, Uint8Array.of()));
    assert.equal(await records.wait([{ partition: 0, offset: 0 }], 1), true);
  });

  it("know the outcomes of a range of rows", () => {
    const records = new CommittedRecords(systemClock, []);
    const { counted, duplicate } = Outcome;
    records.note(commitOf(0, 7, Uint8Array.of(counted, duplicate, duplicate, counted)));
    const counts = records.outcomesOf({ partition: 0, offset: 7 }, 1, 4)!;
    assert.deepEqual([counts[counted], counts[duplicate]], [1, 2]);
    assert.equal(records.outcomesOf({ partition: 1, offset: 7 }, 0, 1), undefined);
  });

  it("keep outcomes of a bounded number of rows, the newest", () => {
    const records = new CommittedRecords(systemClock, []);
    const rows = 131_072;
    for (let offset = 0; offset < 40; offset++)
      records.note(commitOf(0, offset, new Uint8Array(rows)));
    const kept = Array.from({ length: 40 }, (_, offset) => offset).filter((offset) =>
      records.outcomesOf({ partition: 0, offset }, 0, rows),
    );
    assert.ok(kept.length > 1 && kept.length * rows <= 2_000_000, `${kept.length} records`);
    assert.equal(kept.at(-1), 39);
  });
});
