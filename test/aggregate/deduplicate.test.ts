import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DedupIndex, recentHourOf } from "../../src/aggregate/deduplicate.ts";
import { hourMs, hourOf, minuteMs } from "../../src/model/time.ts";
import { testConfig } from "../support/random-clicks.ts";

function id(n: number): Uint32Array {
  return Uint32Array.of(Math.imul(n, 0x9e3779b1), n + 1, Math.imul(n, 0x85ebca6b), n);
}

describe("the dedup index", () => {
  it("knows an id again in its hour, and in any hour of the recent tier", () => {
    const index = new DedupIndex(0, 10);
    assert.ok(index.admit(id(1), 0, 12, 10, false));
    assert.ok(!index.admit(id(1), 0, 12, 10, false));
    assert.ok(!index.admit(id(1), 0, 14, 10, false), "re-stamped, recent");
    assert.ok(index.admit(id(1), 0, 14, 13, false), "re-stamped, its original is no longer recent");
    assert.equal(index.size, 2);
  });

  it("decides the same whether or not memory was tidied, with the store's help", () => {
    const tidied = new DedupIndex(0, 10);
    const untidied = new DedupIndex(0, 10);
    for (let n = 0; n < 500; n++) {
      for (const index of [tidied, untidied]) index.admit(id(n), 0, 10 + (n % 5), 10, false);
    }
    tidied.tidy(13, 5, 15);
    assert.equal(tidied.size, 500);
    for (let n = 0; n < 1_000; n++) {
      for (const hour of [10, 11, 13, 14]) {
        tidied.beginRecord();
        const isStored = n < 500 && hour === 10 + (n % 5);
        const isAsked = tidied.needsStore(id(n), 0, hour);
        if (isStored && hour < 13) assert.ok(isAsked);
        if (hour >= 13) assert.ok(!isAsked);
        const isNew = tidied.admit(id(n), 0, hour, 13, isAsked && isStored);
        assert.equal(isNew, untidied.admit(id(n), 0, hour, 13, false), `id ${n}, hour ${hour}`);
      }
    }
  });

  it("leaves to the store what is beyond the horizon, and gives its memory back", () => {
    const index = new DedupIndex(0, 10);
    for (let n = 0; n < 100; n++) index.admit(id(n), 0, 11, 10, false);
    index.tidy(20, 12, 20);
    assert.equal(index.size, 0);
    assert.ok(index.needsStore(id(1), 0, 11));
    assert.ok(
      index.needsStore(id(5_000), 0, 11),
      "ids of an hour without filters are all asked for",
    );
    assert.ok(!index.needsStore(id(5_000), 0, 12));
  });

  it("tells a second click of the same record, which no store has yet", () => {
    const index = new DedupIndex(0, 10);
    index.beginRecord();
    assert.ok(index.admit(id(1), 0, 3, 10, false));
    assert.ok(!index.admit(id(1), 0, 3, 10, false));
  });
});

describe("the recent tier's first hour", () => {
  const startMs = Date.UTC(2026, 0, 15, 12);
  const shorter = { ...testConfig, dedupRecentMs: 2 * hourMs };
  const longer = {
    ...testConfig,
    generation: 2,
    fromMinute: startMs / minuteMs,
    dedupRecentMs: 5 * hourMs,
  };
  const hourAt = (atMs: number): number =>
    recentHourOf([shorter, longer], atMs / minuteMs, atMs) - hourOf(startMs);

  it("does not go back where dedup.recent grows: what has left the tier is known by its hour only", () => {
    assert.equal(hourAt(startMs - minuteMs), -3);
    assert.equal(hourAt(startMs), -2);
    assert.equal(hourAt(startMs + 2 * hourMs), -2);
    assert.equal(hourAt(startMs + 4 * hourMs), -1);
  });

  it("moves on at once where dedup.recent shrinks", () => {
    const configs = [
      { ...longer, generation: 1, fromMinute: 0 },
      { ...shorter, generation: 2, fromMinute: startMs / minuteMs },
    ];
    const hours = [startMs - minuteMs, startMs].map((atMs) =>
      recentHourOf(configs, atMs / minuteMs, atMs),
    );
    assert.deepEqual(hours, [hourOf(startMs) - 6, hourOf(startMs) - 2]);
  });
});
