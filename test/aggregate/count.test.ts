import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MinuteCounts } from "../../src/aggregate/count.ts";
import type { MinuteDeltas } from "../../src/model/commit.ts";

/** Sums by key; several rows may have the same one. */
function sumsOf(deltas: MinuteDeltas): Map<string, number> {
  const sums = new Map<string, number>();
  for (let row = 0; row < deltas.rowCount; row++) {
    const values = [...deltas.dimensionKeys].map(([name, keys]) => `${name}=${keys[row]}`);
    const key = [deltas.minutes[row], deltas.adKeys[row], deltas.restated[row], ...values].join();
    sums.set(key, (sums.get(key) ?? 0) + deltas.counts[row]!);
  }
  return sums;
}

describe("minute counts", () => {
  it("sum clicks as a plain map does", () => {
    const click = fc.tuple(fc.nat(3), fc.nat(2_000), fc.nat(3), fc.nat(3), fc.nat(1));
    fc.assert(
      fc.property(fc.array(click, { maxLength: 12_000, size: "max" }), (clicks) => {
        const counts = new MinuteCounts(["country", "device"]);
        const expected = new Map<string, number>();
        const columns = [2, 3].map((i) => Int32Array.from(clicks, (fields) => fields[i]!));
        for (const [row, [minute, ad, country, device, restated]] of clicks.entries()) {
          counts.add(minute, ad, columns, row, restated, undefined);
          const key = [minute, ad, restated, `country=${country}`, `device=${device}`].join();
          expected.set(key, (expected.get(key) ?? 0) + 1);
        }
        const deltas = counts.build();
        assert.deepEqual(sumsOf(deltas), expected);
        assert.equal(deltas.rowCount, expected.size);
      }),
      { numRuns: 30 },
    );
  });

  it("count a dimension that the minute's layout lacks as missing", () => {
    const counts = new MinuteCounts(["country", "device"]);
    const columns = [Int32Array.of(7, 7), Int32Array.of(8, 9)];
    counts.add(1, 1, columns, 0, 0, [true, false]);
    counts.add(1, 1, columns, 1, 0, [true, false]);
    assert.deepEqual(sumsOf(counts.build()), new Map([["1,1,0,country=7,device=0", 2]]));
  });

  it("take a new dimension in the middle, which the rows so far miss", () => {
    const counts = new MinuteCounts(["country"]);
    const before = counts.align(new Map([["country", Int32Array.of(5)]]), 1);
    counts.add(1, 1, before.columns, 0, 0, undefined);
    const keys = new Map([
      ["device", Int32Array.of(9)],
      ["country", Int32Array.of(5)],
    ]);
    const after = counts.align(keys, 1);
    assert.deepEqual(after.names, ["country", "device"]);
    counts.add(1, 1, after.columns, 0, 0, undefined);
    assert.deepEqual(
      sumsOf(counts.build()),
      new Map([
        ["1,1,0,country=5,device=0", 1],
        ["1,1,0,country=5,device=9", 1],
      ]),
    );
  });
});
