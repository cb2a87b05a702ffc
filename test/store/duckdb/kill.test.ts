import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CodedError } from "../../../src/model/errors.ts";
import { openDuckDbStore } from "../../../src/store/duckdb/duckdb-store.ts";
import { Random } from "../../../src/traffic/random.ts";
import { rowsOfCommit } from "../../support/commit-until-killed.ts";
import { killAfter } from "../../support/kill-after-commits.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const cycleCount = 8;
const longPastMinute = 0;
const farFutureMinute = 50_000_000;

const open = (path: string) => openDuckDbStore({ path, memoryBytesMax: 128_000_000, threads: 2 });

describe("the DuckDB store, killed at any moment", () => {
  it("has every commit that was through, each whole, and goes on", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    const random = new Random(7);
    let expectedRows = 0;
    let counted = 0;
    for (let cycle = 0; cycle < cycleCount; cycle++) {
      const told = await killAfter(path, 5 + random.below(60));
      await using store = await open(path);
      const { sequence, progress } = await store.recover();
      assert.ok(sequence >= told, `commit ${told} was through, ${sequence} is the last`);
      for (; counted < sequence;) expectedRows += rowsOfCommit(++counted);
      assert.equal(progress[0]?.nextOffset, sequence);
      const range = { fromMinute: longPastMinute, toMinute: farFutureMinute };
      for (const source of ["raw", "minute"] as const) {
        const query = { ...range, source, groupBy: [], order: "count", limit: 1 } as const;
        const { rows, asOf } = await store.aggregate(query);
        assert.equal(asOf, sequence);
        assert.equal(rows[0]?.count, expectedRows, `${source} after cycle ${cycle}`);
      }
      const ledger = await store.ledger(longPastMinute, farFutureMinute);
      assert.equal(
        ledger.reduce((sum, row) => sum + row.received, 0),
        expectedRows,
      );
      const { differingRows } = await store.recount(range.fromMinute, range.toMinute, 1);
      assert.equal(differingRows, 0);
      const last = await store.outcomesOf(0, sequence - 1, 0, 10_000);
      assert.equal(last?.counted, rowsOfCommit(sequence));
      assert.equal(await store.outcomesOf(0, sequence, 0, 10_000), undefined);
    }
  });

  it("refuses a second process", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    await killAfter(path, 2, {
      meanwhile: async () => {
        await assert.rejects(
          open(path),
          (error) => error instanceof CodedError && error.code === "data_dir_locked",
        );
      },
    });
    await using store = await open(path);
    assert.ok((await store.recover()).sequence >= 1);
  });
});
