import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { RecentIds } from "../../src/aggregate/recent-ids.ts";

/** Few different words, so that hashes share segments, home slots and order words. */
const hashes = fc
  .tuple(fc.nat(3), fc.integer({ min: 1, max: 6 }), fc.nat(2), fc.nat(1))
  .map(([a, b, c, d]) => Uint32Array.of(a * 0x10000000, b * 0x20000000, c, d));

const operations = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ hash: hashes, hour: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ sweepHours: fc.integer({ min: 1, max: 2 }) }) },
  ),
  { maxLength: 400 },
);

describe("the recent tier", () => {
  it("knows the same ids as a plain list, through growth and sweeps", () => {
    fc.assert(
      fc.property(operations, fc.nat(500), (steps, firstHour) => {
        const ids = new RecentIds(firstHour);
        let known: { key: string; hour: number }[] = [];
        for (const step of steps) {
          if ("sweepHours" in step) {
            const before = ids.firstHour + step.sweepHours;
            const swept: string[] = [];
            ids.sweep(before, (words, at, hour) =>
              swept.push(`${words.slice(at, at + 4).join()}@${hour}`),
            );
            const expected = known
              .filter(({ hour }) => hour < before)
              .map(({ key, hour }) => `${key}@${hour}`);
            assert.deepEqual(swept.toSorted(), expected.toSorted());
            known = known.filter(({ hour }) => hour >= before);
          } else {
            const hour = ids.firstHour + step.hour;
            const recentHour = ids.firstHour + 4;
            const key = step.hash.join();
            const isKnown = known.some(
              (id) => id.key === key && (id.hour === hour || id.hour >= recentHour),
            );
            assert.equal(ids.has(step.hash, 0, hour, recentHour), isKnown);
            assert.equal(ids.add(step.hash, 0, hour, recentHour), !isKnown);
            if (!isKnown) known.push({ key, hour });
          }
          assert.equal(ids.size, known.length);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("takes at most 24 bytes an id once it is filled", () => {
    const ids = new RecentIds(0);
    const words = new Uint32Array(4);
    let state = 1;
    const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
    for (let i = 1; i <= 1_200_000; i++) {
      for (let w = 0; w < 4; w++) words[w] = (next() ^ (next() >>> 16)) >>> 0;
      if (words[1] === 0) words[1] = 1;
      ids.add(words, 0, 3, 0);
      if (i > 200_000 && i % 10_000 === 0) {
        assert.ok(
          ids.bytes / ids.size <= 24,
          `${ids.bytes / ids.size} bytes an id at ${ids.size} ids`,
        );
      }
    }
    assert.equal(ids.size, 1_200_000);
  });
});
