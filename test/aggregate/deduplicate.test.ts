import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DedupIndex, recentMinuteOf } from "../../src/aggregate/deduplicate.ts";
import type { DedupEdges } from "../../src/aggregate/deduplicate.ts";
import { Known } from "../../src/aggregate/recent-ids.ts";
import { hourMs, minuteMs, minuteOf } from "../../src/model/time.ts";
import { testConfig } from "../support/random-clicks.ts";

function id(n: number): Uint32Array {
  return Uint32Array.of(Math.imul(n, 0x9e3779b1), n + 1, Math.imul(n, 0x85ebca6b), n);
}

function edges(watermarkMinute: number, recent: number, horizon: number): DedupEdges {
  return {
    watermarkMinute,
    recentMinute: watermarkMinute - recent,
    horizonMinute: watermarkMinute - horizon,
  };
}

describe("the dedup index", () => {
  it("knows an id again in its minute, and in any minute of the recent tier", () => {
    const index = new DedupIndex(0, 10);
    const admit = (minute: number, recentMinute: number) =>
      index.admit(id(1), 0, minute, recentMinute, false);
    assert.equal(admit(12, 10), Known.not);
    assert.equal(admit(12, 10), Known.sameMinute);
    assert.equal(admit(14, 10), Known.otherMinute, "re-stamped, recent");
    assert.equal(admit(14, 13), Known.not, "re-stamped, its original is no longer recent");
    assert.equal(admit(14, 10), Known.sameMinute, "of two originals one is of its minute");
    assert.equal(index.size, 2);
  });

  it("decides the same whether or not memory was tidied, with the store's help", () => {
    const tidied = new DedupIndex(0, 10);
    const untidied = new DedupIndex(0, 10);
    for (let n = 0; n < 500; n++) {
      for (const index of [tidied, untidied]) index.admit(id(n), 0, 10 + (n % 5), 10, false);
    }
    tidied.tidy(edges(15, 2, 10), 15, 100);
    assert.equal(tidied.size, 500);
    const asked = Array.from({ length: 500 }, (_, n) => tidied.needsStore(id(n), 0, 10 + (n % 5)));
    assert.ok(
      asked.includes(true) && asked.some((isAsked, n) => !isAsked && n % 5 < 3),
      "half swept",
    );
    for (let n = 0; n < 1_000; n++) {
      for (const minute of [10, 11, 13, 14]) {
        tidied.beginRecord();
        const isStored = n < 500 && minute === 10 + (n % 5);
        const isAsked = tidied.needsStore(id(n), 0, minute);
        if (minute >= 13) assert.ok(!isAsked);
        const known = tidied.admit(id(n), 0, minute, 13, isAsked && isStored);
        assert.equal(
          known,
          untidied.admit(id(n), 0, minute, 13, false),
          `id ${n}, minute ${minute}`,
        );
      }
    }
  });

  it("leaves to the store what is beyond the horizon, and gives its memory back", () => {
    const index = new DedupIndex(0, 10);
    for (let n = 0; n < 100; n++) index.admit(id(n), 0, 11, 10, false);
    index.tidy(edges(30, 10, 18), 30);
    assert.equal(index.size, 0);
    assert.ok(index.needsStore(id(1), 0, 11));
    assert.ok(
      index.needsStore(id(5_000), 0, 11),
      "ids of a minute without filters are all asked for",
    );
    assert.ok(!index.needsStore(id(5_000), 0, 12));
  });

  it("tells a second click of the same record, which no store has yet", () => {
    const index = new DedupIndex(0, 10);
    index.beginRecord();
    const admit = (minute: number) => index.admit(id(1), 0, minute, 10, false);
    assert.equal(admit(3), Known.not);
    assert.equal(admit(3), Known.sameMinute);
    // One of a recent minute beside it changes nothing of that.
    assert.equal(admit(12), Known.not);
    assert.equal(admit(3), Known.sameMinute);
    assert.equal(admit(4), Known.otherMinute);
  });
});

describe("the recent tier's first minute", () => {
  const startMs = Date.UTC(2026, 0, 15, 12);
  const shorter = { ...testConfig, dedupRecentMs: 2 * hourMs };
  const longer = {
    ...testConfig,
    generation: 2,
    fromMinute: startMs / minuteMs,
    dedupRecentMs: 5 * hourMs,
  };
  const minutesAt = (atMs: number): number =>
    recentMinuteOf([shorter, longer], atMs) - minuteOf(startMs);

  it("does not go back where dedup.recent grows: what has left the tier is known by its minute only", () => {
    assert.equal(minutesAt(startMs - minuteMs), -121);
    assert.equal(minutesAt(startMs), -120);
    assert.equal(minutesAt(startMs + 2 * hourMs), -120);
    assert.equal(minutesAt(startMs + 4 * hourMs), -60);
  });

  it("moves on at once where dedup.recent shrinks", () => {
    const configs = [
      { ...longer, generation: 1, fromMinute: 0 },
      { ...shorter, generation: 2, fromMinute: startMs / minuteMs },
    ];
    const minutes = [startMs - minuteMs, startMs].map((atMs) => recentMinuteOf(configs, atMs));
    assert.deepEqual(minutes, [minuteOf(startMs) - 301, minuteOf(startMs) - 120]);
  });
});
