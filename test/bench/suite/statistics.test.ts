import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { median, percentile, spreadOf } from "../../../bench/suite/statistics.ts";

describe("statistics of benchmarks", () => {
  it("take the middle, of an even number the mean of the two in the middle", () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.ok(Number.isNaN(median([])));
  });

  it("take the value that a share is not above, whatever the order", () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    assert.equal(percentile(values, 0.5), 51);
    assert.equal(percentile(values, 0.99), 100);
    assert.equal(percentile([7], 0.99), 7);
    assert.ok(Number.isNaN(percentile([], 0.5)));
  });

  it("say of rounds the median and how far they lie apart", () => {
    assert.deepEqual(spreadOf([5, 1, 3]), { median: 3, min: 1, max: 5, rounds: 3 });
    assert.equal(spreadOf([]), undefined);
  });
});
