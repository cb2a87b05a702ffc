import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { MinuteDeltas } from "../../../src/model/commit.ts";
import { openDuckDbStore } from "../../../src/store/duckdb/duckdb-store.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const noon = 29_539_440;
/** More than DuckDB's row group holds. */
const rowCount = 130_000;

/** One click for each ad. */
function rows(restated: 0 | 1): MinuteDeltas {
  return {
    rowCount,
    minutes: new Int32Array(rowCount).fill(noon),
    adKeys: Int32Array.from({ length: rowCount }, (_, row) => row + 1),
    dimensionKeys: new Map(),
    counts: new Int32Array(rowCount).fill(1),
    restated: new Uint8Array(rowCount).fill(restated),
  };
}

describe("a compaction", () => {
  it("loses sight of no row where it has many restated ones and no others", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    await using store = await openDuckDbStore({ path, memoryBytesMax: 1e9, threads: 2 });
    const maker = new CommitMaker();
    const clicks = async (): Promise<number> => {
      let sum = 0;
      for await (const { counts } of store.scanMinutes(noon, noon + 1))
        sum += counts.reduce((a, b) => a + b, 0);
      return sum;
    };
    for (const [restated, expected] of [
      [0, rowCount],
      [1, 2 * rowCount],
    ] as const) {
      await store.commit(maker.next({ minutes: rows(restated) }));
      await store.compact(noon + 1);
      assert.equal(await clicks(), expected);
      await store.checkpoint();
    }
  });
});
