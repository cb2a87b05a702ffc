import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Effects } from "../../src/aggregate/effects.ts";
import { mapClicks } from "../../src/aggregate/map.ts";
import { RecordBuckets } from "../../src/aggregate/restate.ts";
import { PartitionState, SharedState } from "../../src/aggregate/state.ts";
import { step } from "../../src/aggregate/step.ts";
import { surveyClicks } from "../../src/aggregate/survey.ts";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import type { ClicksRecord } from "../../src/model/log-record.ts";
import { Outcome } from "../../src/model/outcome.ts";
import { minuteMs, minuteOf } from "../../src/model/time.ts";
import { testConfig } from "../support/random-clicks.ts";

const nowMs = Date.UTC(2026, 0, 15, 12);

function clickAt(time: number, history = false): ClicksRecord {
  const batch = new ClickBatchBuilder(testConfig.dimensions);
  batch.add({ ad_id: "ad-1", click_timestamp: time, event_id: "e", dimensions: {} });
  return {
    kind: "clicks",
    receivedAtMs: nowMs,
    source: "http",
    history,
    batch: batch.build(),
  };
}

describe("the survey of a record", () => {
  it("asks for nothing where clicks are neither late nor old", () => {
    const shared = new SharedState(new Uint8Array(32), [testConfig], new Map());
    const state = new PartitionState(0, shared, nowMs - 20_000);
    assert.equal(surveyClicks(state, mapClicks(shared, 0, clickAt(nowMs))), undefined);
  });

  it("asks for what the step will need, though another partition's log has brought a newer configuration", () => {
    const shared = new SharedState(new Uint8Array(32), [testConfig], new Map());
    const state = new PartitionState(0, shared, nowMs);
    // As early as a clock that has gone back makes it, and with more patience.
    const fromMinute = minuteOf(nowMs) - 30;
    shared.addConfig({
      ...testConfig,
      generation: 2,
      fromMinute,
      allowedLatenessMs: 60 * minuteMs,
    });
    const clicks = mapClicks(shared, 0, clickAt(nowMs - 5 * minuteMs));
    const needs = surveyClicks(state, clicks);
    assert.equal(needs?.buckets.length, 1);
    const buckets = new RecordBuckets(needs.buckets, [{ count: 3, revision: 0 }]);
    const effects = new Effects([]);
    step(
      state,
      { kind: "clicks", clicks, answers: { recorded: new Uint8Array(1), buckets } },
      effects,
    );
    assert.deepEqual([...effects.clicks[0]!.outcomes], [Outcome.restated]);
  });

  it("asks of an import for minutes that may have clicks, or are closed, alone", () => {
    const shared = new SharedState(new Uint8Array(32), [testConfig], new Map());
    const long = minuteOf(nowMs) - 100_000;
    const state = new PartitionState(0, shared, nowMs, long - 10);
    let offset = 0;
    const surveyOf = (minute: number) =>
      surveyClicks(state, mapClicks(shared, offset, clickAt(minute * minuteMs, true)))?.buckets;
    // What the store holds is not known yet.
    assert.equal(surveyOf(long)?.length, 1);
    state.recorded.begin({ firstMinute: long + 10, lastMinute: long + 20 });
    assert.equal(surveyOf(long), undefined);
    assert.equal(surveyOf(long + 10)?.length, 1);
    assert.equal(surveyOf(long + 21), undefined);
    assert.equal(surveyOf(long - 11)?.length, 1);
    const effects = new Effects([]);
    const clicks = mapClicks(shared, offset++, clickAt(long * minuteMs, true));
    step(state, { kind: "clicks", clicks, answers: undefined }, effects);
    assert.deepEqual([...effects.clicks[0]!.outcomes], [Outcome.counted]);
    assert.equal(surveyOf(long)?.length, 1);
    assert.equal(surveyOf(long + 1), undefined);
  });
});
