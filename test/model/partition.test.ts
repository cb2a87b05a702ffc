import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { partitionOf, partitionOfRange, partitionsOf } from "../../src/model/partition.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("partitionOf", () => {
  it("never changes: queues are divided by it", () => {
    const ads = ["ad-1", "ad-2", "ad-12345", "", "größe", "a".repeat(256)];
    assert.deepEqual(
      ads.map((ad) => partitionOf(bytesOf(ad), 8)),
      [2, 7, 5, 3, 4, 6],
    );
    assert.deepEqual(
      ads.map((ad) => partitionOf(bytesOf(ad), 7)),
      [0, 3, 6, 4, 3, 1],
    );
  });

  it("looks at the range alone", () => {
    const padded = bytesOf('"ad-12345"');
    assert.equal(
      partitionOfRange(padded, 1, padded.length - 1, 64),
      partitionOf(bytesOf("ad-12345"), 64),
    );
  });

  it("is the first of as many partitions as an ad's clicks are dealt to", () => {
    for (const spread of [1, 3, 8]) {
      const all = partitionsOf(bytesOf("ad-1"), { partitionCount: 8, spread });
      assert.equal(all[0], partitionOf(bytesOf("ad-1"), 8));
      assert.equal(new Set(all).size, spread);
      assert.ok(all.every((partition) => partition >= 0 && partition < 8));
    }
  });

  it("spreads ads evenly", () => {
    const counts = Array.from({ length: 8 }, () => 0);
    for (let i = 0; i < 80_000; i++) counts[partitionOf(bytesOf(`ad-${i}`), 8)]!++;
    for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${counts.join(" ")}`);
  });
});
