import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { DimensionLayout, DimensionType } from "../../../src/model/dimensions.ts";
import { openDuckDbStore } from "../../../src/store/duckdb/duckdb-store.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const layoutOf = (type: DimensionType, where: "raw" | "minute"): DimensionLayout => [
  { name: "origin", in: where, type },
];

describe("an erasure of a dimension that had other types, and was kept in other ways", () => {
  it("finds each value in each of its forms, and takes no offence at the others", async () => {
    await using directory = await temporaryDirectory();
    await using store = await openDuckDbStore({
      path: join(directory.path, "store.duckdb"),
      memoryBytesMax: 256_000_000,
      threads: 1,
    });
    const maker = new CommitMaker();
    const kept = [
      [layoutOf("ip", "raw"), ["10.0.0.1", "2001:db8::1"]],
      [layoutOf("string", "raw"), ["10.0.0.1", "abc", "it's"]],
      [layoutOf("string", "minute"), ["abc", "10.0.0.1", "2001:db8::1"]],
    ] as const;
    for (const [layout, values] of kept) {
      const clicks = values.map((origin, i) => ({
        ad_id: "a",
        event_id: `${layout[0]!.in} ${layout[0]!.type} ${i}`,
        click_timestamp: 1_772_366_400_000,
        dimensions: { origin },
      }));
      await store.commit(maker.next({ clicks, layout }));
    }
    const holding = async (...values: string[]): Promise<number> => {
      const holders = await store.holders({ partition: 0, isPart: false, field: "origin", values });
      return holders.reduce((sum, { clicks }) => sum + clicks, 0);
    };
    assert.equal(await holding("abc"), 2);
    assert.equal(await holding("10.0.0.1"), 3);
    assert.equal(await holding("abc", "10.0.0.1", "2001:db8::1", "nothing"), 7);
    const erasure = { field: "origin", values: ["10.0.0.1", "it's"], adKeys: [1], inMinutes: true };
    await store.commit(maker.next({ erasures: [erasure] }));
    assert.equal(await holding("10.0.0.1"), 0);
    assert.equal(await holding("it's"), 0);
    assert.equal(await holding("abc", "2001:db8::1"), 4);
  });
});
