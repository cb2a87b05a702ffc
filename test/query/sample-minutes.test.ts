import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rangesOf, sampleMinutes } from "../../src/query/sample-minutes.ts";

const range = { fromMinute: 500, toMinute: 1_500 };

describe("a sample of minutes", () => {
  it("is of different minutes of the range, ascending, and the same for the same seed", () => {
    for (const seed of [0, 1, 2 ** 32 - 1]) {
      const drawn = sampleMinutes(range, 300, seed);
      assert.deepEqual(
        drawn,
        [...new Set(drawn)].toSorted((a, b) => a - b),
      );
      assert.ok(drawn.length === 300 && drawn[0]! >= 500 && drawn.at(-1)! < 1_500);
      assert.deepEqual(sampleMinutes(range, 300, seed), drawn);
    }
    assert.notDeepEqual(sampleMinutes(range, 300, 1), sampleMinutes(range, 300, 2));
  });

  it("is all of the range where that has no more", () => {
    const all = Array.from({ length: 1_000 }, (_, i) => 500 + i);
    assert.deepEqual(sampleMinutes(range, 1_000, 3), all);
    assert.deepEqual(sampleMinutes(range, 10_000, 4), all);
  });

  it("leaves no part of the range out", () => {
    const hits = new Map<number, number>();
    for (let seed = 0; seed < 4_000; seed++)
      for (const minute of sampleMinutes({ fromMinute: 0, toMinute: 40 }, 4, seed))
        hits.set(minute, (hits.get(minute) ?? 0) + 1);
    assert.equal(hits.size, 40);
    // 400 each are expected, with a deviation of 19.
    for (const [minute, count] of hits)
      assert.ok(Math.abs(count - 400) < 100, `${minute}: ${count}`);
  });

  it("is asked for in ranges, neighbours in one", () => {
    assert.deepEqual(rangesOf([]), []);
    assert.deepEqual(rangesOf([1, 2, 3, 7, 9, 10]), [
      { fromMinute: 1, toMinute: 4 },
      { fromMinute: 7, toMinute: 8 },
      { fromMinute: 9, toMinute: 11 },
    ]);
  });
});
