import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BucketWalk } from "../../src/audit/bucket-walk.ts";

describe("the walk of the self-audit", () => {
  it("comes by every minute of a range in as many steps, wherever it begins", () => {
    for (const size of [1, 2, 3, 10, 61, 1_009, 1_440, 20_160]) {
      for (const seed of [0, 1, 2, 12_345_678_901]) {
        const walk = new BucketWalk(seed);
        const range = { fromMinute: 1_000, toMinute: 1_000 + size };
        const seen: number[] = [];
        while (seen.length < size) seen.push(...walk.next(range, Math.min(7, size - seen.length)));
        const all = Array.from({ length: size }, (_, i) => 1_000 + i);
        assert.deepEqual(
          seen.toSorted((a, b) => a - b),
          all,
          `${size} minutes, seed ${seed}`,
        );
      }
    }
  });

  it("spans the whole range with every thousandth of its steps", () => {
    const range = { fromMinute: 0, toMinute: 576_000 };
    const walk = new BucketWalk(3);
    const steps = Array.from({ length: 3 }, () => walk.next(range, 570));
    for (const pass of steps)
      for (let tenth = 0; tenth < 10; tenth++)
        assert.ok(pass.some((minute) => Math.floor(minute / 57_600) === tenth));
  });

  it("comes by every minute also while the range grows at its end and shrinks at its beginning", () => {
    const walk = new BucketWalk(7);
    const seen = new Set<number>();
    for (let round = 0; round < 600; round++) {
      const range = { fromMinute: round, toMinute: 3_000 + round };
      for (const minute of walk.next(range, 9)) seen.add(minute);
    }
    for (let minute = 600; minute < 3_000; minute++) assert.ok(seen.has(minute), String(minute));
  });

  it("begins elsewhere at another commit, is the same at the same, and is empty where nothing is kept", () => {
    const range = { fromMinute: 0, toMinute: 1_000_000 };
    const first = new BucketWalk(1).next(range, 5);
    assert.deepEqual(new BucketWalk(1).next(range, 5), first);
    assert.notDeepEqual(new BucketWalk(2).next(range, 5), first);
    assert.deepEqual(new BucketWalk(1).next({ fromMinute: 5, toMinute: 5 }, 5), []);
  });

  it("gives what is newly final once, the newest where there is more than it may", () => {
    const walk = new BucketWalk(1);
    assert.deepEqual(walk.newlyFinal(100, 3), [99, 98, 97]);
    assert.deepEqual(walk.newlyFinal(100, 3), []);
    assert.deepEqual(walk.newlyFinal(101, 3), [100]);
    assert.deepEqual(walk.newlyFinal(90, 3), []);
    assert.deepEqual(walk.newlyFinal(200, 2), [199, 198]);
  });
});
