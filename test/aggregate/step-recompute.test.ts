import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Effects } from "../../src/aggregate/effects.ts";
import { RecordBuckets } from "../../src/aggregate/restate.ts";
import { PartitionState, SharedState } from "../../src/aggregate/state.ts";
import { stepRecompute } from "../../src/aggregate/step-recompute.ts";
import { minuteOf } from "../../src/model/time.ts";
import { testConfig } from "../support/random-clicks.ts";

const watermarkMs = 1_800_000_000_000;
/** More than a call takes arguments. */
const bucketCount = 200_000;

describe("a recompute", () => {
  it("may concern as many buckets as it is allowed to", () => {
    const shared = new SharedState(
      new Uint8Array(32),
      [testConfig],
      new Map([["ad_id", ["a", "b"]]]),
    );
    const state = new PartitionState(0, shared, watermarkMs);
    const fromMinute = minuteOf(watermarkMs) - bucketCount;
    const bucketChanges = Array.from({ length: bucketCount }, (_, i) => ({
      minute: fromMinute + (i >> 1),
      adKey: 1 + (i & 1),
      change: 1,
    }));
    const effects = new Effects([]);
    const control = {
      type: "recompute",
      id: "x",
      reason: "a dimension was moved",
      from_minute: fromMinute,
      to_minute: fromMinute + bucketCount,
      late: null,
    } as const;
    stepRecompute(
      state,
      { offset: 5, receivedAtMs: watermarkMs, control },
      {
        range: { fromMinute, toMinute: fromMinute + bucketCount },
        layoutChanges: [],
        changes: {
          rowCount: bucketCount,
          minutes: Int32Array.from(bucketChanges, ({ minute }) => minute),
          adKeys: Int32Array.from(bucketChanges, ({ adKey }) => adKey),
          changes: Int32Array.from(bucketChanges, ({ change }) => change),
          dimensionKeys: new Map(),
          dimensionTexts: new Map(),
        },
        bucketChanges,
        clicks: [],
        buckets: new RecordBuckets(
          bucketChanges,
          bucketChanges.map(() => ({ count: 3, revision: 1 })),
        ),
      },
      effects,
    );
    assert.equal(effects.restatements.length, bucketCount);
    const [first] = effects.restatements;
    assert.deepEqual([first?.before, first?.after, first?.revision], [3, 4, 2]);
    const [operation] = effects.operations;
    assert.equal(operation?.result["buckets"], bucketCount);
    assert.equal(operation?.result["change"], bucketCount);
  });
});
