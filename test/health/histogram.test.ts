import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "prom-client";
import { WeightedHistogram } from "../../src/metrics/weighted-histogram.ts";
import { histogramSince, quantileBound, readHistogram } from "../../src/health/histogram.ts";

const name = "clicktally_freshness_seconds";

describe("a histogram of the metrics page", () => {
  it("is read as the service writes it", async () => {
    const register = new Registry();
    const buckets = [0.01, 0.25, 2];
    const histogram = new WeightedHistogram({ name, help: "x", buckets, register });
    histogram.observe(0.005, 90);
    histogram.observe(0.1, 9);
    const before = readHistogram(await register.metrics(), name)!;
    assert.deepEqual(before, [
      [0.01, 90],
      [0.25, 99],
      [2, 99],
      [Infinity, 99],
    ]);
    assert.equal(quantileBound(before, 0.9), 0.01);
    assert.equal(quantileBound(before, 0.99), 0.25);
    // What came since is all slow, which the whole hides.
    histogram.observe(5, 1);
    const now = readHistogram(await register.metrics(), name)!;
    assert.equal(quantileBound(now, 0.99), 0.25);
    assert.equal(quantileBound(histogramSince(now, before), 0.99), Infinity);
  });

  it("says nothing where nothing came, or where there is none", () => {
    const empty = readHistogram(`${name}_bucket{le="+Inf"} 0`, name)!;
    assert.equal(quantileBound(empty, 0.99), undefined);
    assert.equal(readHistogram("other_bucket 1", name), undefined);
  });

  it("begins anew with the process", () => {
    const now = [[Infinity, 5]] as const;
    assert.deepEqual(histogramSince(now, [[Infinity, 9]]), now);
    assert.deepEqual(histogramSince(now, undefined), now);
  });
});
