import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Visibility } from "../../src/store/visibility.ts";
import { lastSeenOf, seenOfMinute, visiblePieces } from "../../src/store/visibility.ts";

const sealed: Visibility = {
  limits: [
    { beforeMinute: 100, asOf: 5, earlier: [{ partition: 1, asOf: 3 }] },
    { beforeMinute: 200, asOf: 9, earlier: [] },
  ],
  asOf: 12,
};

describe("visibility", () => {
  it("limits a minute to the commit of the first limit beyond it, or an earlier one of a partition", () => {
    const minutes = [0, 99, 100, 199, 200, 10_000];
    const lastOf = (partition: number): number[] =>
      minutes.map((minute) => lastSeenOf(seenOfMinute(sealed, minute), partition));
    assert.deepEqual(lastOf(0), [5, 5, 9, 9, 12, 12]);
    assert.deepEqual(lastOf(1), [3, 3, 9, 9, 12, 12]);
    assert.equal(lastSeenOf(seenOfMinute({ limits: sealed.limits }, 200), 1), Infinity);
    assert.equal(lastSeenOf(seenOfMinute(undefined, 0), 0), Infinity);
  });

  it("cuts a range where the commits that are seen change", () => {
    const pieces = (fromMinute: number, toMinute: number) =>
      visiblePieces(sealed, { fromMinute, toMinute }).map((piece) => [
        piece.fromMinute,
        piece.toMinute,
        piece.asOf,
      ]);
    assert.deepEqual(pieces(50, 250), [
      [50, 100, 5],
      [100, 200, 9],
      [200, 250, 12],
    ]);
    assert.deepEqual(pieces(100, 200), [[100, 200, 9]]);
    assert.deepEqual(pieces(99, 101), [
      [99, 100, 5],
      [100, 101, 9],
    ]);
    const whole = { fromMinute: 1, toMinute: 2 };
    assert.deepEqual(visiblePieces(undefined, whole), [{ ...whole, asOf: Infinity, earlier: [] }]);
  });
});
