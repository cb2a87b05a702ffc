import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Effects } from "../../src/aggregate/effects.ts";
import { identityWords } from "../../src/aggregate/identity.ts";
import { RecordBuckets } from "../../src/aggregate/restate.ts";
import { PartitionState, SharedState } from "../../src/aggregate/state.ts";
import { stepCorrection } from "../../src/aggregate/step-correction.ts";
import { EventIdKind } from "../../src/model/click-batch.ts";
import type { RecordedClick } from "../../src/model/recorded-click.ts";
import { minuteMs, minuteOf } from "../../src/model/time.ts";
import { testConfig } from "../support/random-clicks.ts";

const watermarkMs = 1_800_000_000_000 + 30_000;
/** Expired, in the minute that the horizon lies in: the first that dedup answers for without the store. */
const time = watermarkMs - testConfig.dedupHorizonMs - 1;

const expired: RecordedClick = {
  partition: 0,
  offset: 3,
  row: 0,
  clickTimestampMs: time,
  receivedAtMs: watermarkMs,
  source: "http",
  adKey: 1,
  eventIdKind: EventIdKind.uuid,
  eventIdWords: [1, 2, 3, 4],
  eventIdText: null,
  outcome: "expired",
  outcomeBefore: null,
  outcomeDecided: "expired",
  isReleased: false,
  dimensionKeys: {},
  dimensionTexts: {},
};

describe("a release", () => {
  it("lets dedup learn of what had expired, which it never met", () => {
    const shared = new SharedState(
      new Uint8Array(32).fill(7),
      [testConfig],
      new Map([["ad_id", ["a"]]]),
    );
    const state = new PartitionState(0, shared, watermarkMs);
    const hash = new Uint32Array(identityWords);
    shared.hasher.hashWords(1, EventIdKind.uuid, Uint32Array.of(1, 2, 3, 4), 0, hash, 0);
    const minute = minuteOf(time);
    assert.equal(minute, minuteOf(watermarkMs - testConfig.dedupHorizonMs));
    assert.equal(state.dedup.needsStore(hash, 0, minute), false);

    // The store tells of no minute in which all clicks are expired.
    state.recorded.begin(undefined);
    assert.ok(state.isFresh(minute));

    const effects = new Effects([]);
    const control = {
      type: "release",
      id: "x",
      reason: "a server was away",
      from_minute: minute,
      to_minute: minute + 1,
      ad_id: null,
      clicks_max: 10,
    } as const;
    const buckets = new RecordBuckets([{ minute, adKey: 1 }], [{ count: 0, revision: 0 }]);
    const answers = {
      clicks: [expired, { ...expired, row: 1 }],
      recorded: new Uint8Array(2),
      buckets,
    };
    const correction = { offset: 4, receivedAtMs: watermarkMs + minuteMs, control };
    stepCorrection(state, correction, answers, effects);
    assert.deepEqual(
      effects.outcomeChanges.map(({ after }) => after),
      ["restated", "duplicate"],
    );
    assert.equal(state.dedup.needsStore(hash, 0, minute), true);
    // An import of the same click has to ask the store from here on.
    assert.equal(state.isFresh(minute), false);
  });
});
