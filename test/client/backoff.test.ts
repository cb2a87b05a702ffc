import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { backoffMs } from "../../src/client/backoff.ts";

const failures = fc.integer({ min: 1, max: 10_000 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("the wait after a failure", () => {
  it("doubles up to half a minute, and half of it is by chance", () => {
    const waits = [1, 2, 3, 8, 100].map((count) => [
      backoffMs(count, undefined, 0),
      backoffMs(count, undefined, 0.999_999),
    ]);
    const rounded = waits.map((range) => range.map(Math.round));
    assert.deepEqual(rounded, [
      [125, 250],
      [250, 500],
      [500, 1_000],
      [15_000, 30_000],
      [15_000, 30_000],
    ]);
  });

  it("is never shorter than the service has asked for, and not for all alike", () => {
    fc.assert(
      fc.property(failures, fc.nat(86_400_000), random, (count, askedMs, chance) => {
        const waitMs = backoffMs(count, askedMs, chance);
        assert.ok(waitMs >= askedMs && waitMs <= askedMs + 30_000);
      }),
    );
    assert.notEqual(backoffMs(3, 1_000, 0.1), backoffMs(3, 1_000, 0.9));
  });
});
