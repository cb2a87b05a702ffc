import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { RecordedClose } from "../../src/store/click-store.ts";
import { closedPeriods, visibilityOf } from "../../src/store/closed-periods.ts";

const close = (partition: number, throughMinute: number, asOf: number): RecordedClose => ({
  id: `close-${throughMinute}`,
  throughMinute,
  tz: "UTC",
  partition,
  receivedAtMs: asOf * 1000,
  asOf,
});

const shown = (closes: readonly RecordedClose[], partitionCount: number) =>
  closedPeriods(closes, partitionCount).map(({ throughMinute, asOf, seals }) => [
    throughMinute,
    asOf,
    seals.map((seal) => seal.asOf),
  ]);

describe("closed periods", () => {
  it("are closed once every partition has sealed them, and hold of each what it had by then", () => {
    const closes = [close(0, 100, 5), close(1, 100, 7), close(1, 200, 8)];
    assert.deepEqual(shown(closes, 2), [[100, 7, [5, 7]]]);
    assert.deepEqual(shown(closes.slice(0, 1), 2), []);
    assert.deepEqual(shown([...closes, close(0, 200, 9)], 2), [
      [100, 7, [5, 7]],
      [200, 9, [9, 8]],
    ]);
    assert.deepEqual(shown(closes.slice(0, 1), 1), [[100, 5, [5]]]);
  });

  it("may be sealed by a later close that reaches further", () => {
    const closes = [close(0, 100, 5), close(0, 200, 6), close(1, 200, 7)];
    assert.deepEqual(shown(closes, 2), [
      [100, 7, [5, 7]],
      [200, 7, [6, 7]],
    ]);
  });

  it("limit what may be seen of their minutes, and nothing else", () => {
    const periods = closedPeriods([close(0, 100, 5), close(1, 100, 7)], 2);
    const limits = [{ beforeMinute: 100, asOf: 7, earlier: [{ partition: 0, asOf: 5 }] }];
    assert.deepEqual(visibilityOf(periods), { limits });
    assert.deepEqual(visibilityOf(periods, 9), { limits, asOf: 9 });
    assert.deepEqual(visibilityOf([], 9), { limits: [], asOf: 9 });
    assert.equal(visibilityOf([]), undefined);
  });
});
