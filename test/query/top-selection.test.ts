import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { compareUtf8 } from "../../src/model/utf8-order.ts";
import { sortedOrder } from "../../src/query/hot/sorted-order.ts";
import { TopSelection } from "../../src/query/hot/top-selection.ts";

describe("the selection of the top ads", () => {
  it("equals sorting all of them by count, then by id", () => {
    const counts = fc.array(fc.integer({ min: -1, max: 5 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(
        counts,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 100 }),
        (all, most, passLength) => {
          const textOf = (adKey: number): string => `ad ${adKey}`;
          const top = new TopSelection(most, textOf);
          for (let at = 0; at < all.length; at += passLength) {
            const sums = Float64Array.from(all.slice(at, at + passLength));
            top.offerAll(sums, sums.length, at + 1, undefined);
            assert.ok(sums.every((sum) => sum === 0));
          }
          const sorted = all
            .map((count, i) => ({ adKey: i + 1, adId: textOf(i + 1), count }))
            .filter(({ count }) => count > 0)
            .toSorted((a, b) => b.count - a.count || (a.adId < b.adId ? -1 : 1));
          assert.deepEqual(top.finish(), sorted.slice(0, most));
        },
      ),
    );
  });

  it("is exact where more ads tie than it looks at together", () => {
    const count = 600_000;
    const textOf = (adKey: number): string => String((adKey * 7) % 1_000_003).padStart(7, "0");
    const top = new TopSelection(5, textOf);
    top.offerAll(new Float64Array(count).fill(1), count, 1, undefined);
    const first = Array.from({ length: count }, (_, i) => textOf(i + 1))
      .toSorted()
      .slice(0, 5);
    assert.deepEqual(
      top.finish().map(({ adId }) => adId),
      first,
    );
  });
});

describe("the order of ids", () => {
  it("is that of their UTF-8 bytes", () => {
    const text = fc.string({ unit: "binary", maxLength: 4 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        assert.equal(Math.sign(compareUtf8(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});

describe("the order of rows", () => {
  it("is by the first column, then by the second, and stable", () => {
    const key = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 0x7fff_ffff }));
    fc.assert(
      fc.property(fc.array(fc.tuple(key, key), { maxLength: 50 }), (rows) => {
        const major = Int32Array.from(rows, ([first]) => first);
        const minor = Int32Array.from(rows, ([, second]) => second);
        const sorted = rows
          .map((row, i) => ({ row, i }))
          .toSorted((a, b) => a.row[0] - b.row[0] || a.row[1] - b.row[1] || a.i - b.i);
        assert.deepEqual(
          [...sortedOrder(rows.length, major, minor)],
          sorted.map(({ i }) => i),
        );
      }),
    );
  });
});
