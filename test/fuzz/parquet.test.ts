import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { importFile } from "../../src/ingest/import/import-file.ts";
import { checkBatch } from "../../src/ingest/check-batch.ts";
import { decodeClickBatch } from "../../src/model/click-batch-codec.ts";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { rowsOf } from "../support/click-rows.ts";
import { fuzz } from "./fuzz.ts";

const rowCount = 50;
const rules = { unknownFields: "ignore", missingEventId: "derive", maxFutureMs: 60_000 } as const;

/** A small file with columns of every kind that an import turns into text. */
async function makeParquet(path: string, compression: string): Promise<Uint8Array> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT 'ad-' || (i % 5) AS ad_id, TIMESTAMP '2026-11-23 09:00:00' + to_seconds(i) AS click_timestamp,
       'e' || i AS event_id, CASE WHEN i % 2 = 0 THEN 'US' END AS country, 'mobile' AS device, i AS user_id,
       '10.0.0.' || i AS ip, [i, i + 1] AS list, {'a': i} AS struct, 'x'::BLOB AS blob, i::DECIMAL(9, 2) AS price
     FROM range(${rowCount}) t(i)) TO '${path}' (FORMAT parquet, COMPRESSION ${compression})`,
  );
  connection.closeSync();
  instance.closeSync();
  return new Uint8Array(await readFile(path));
}

describe("hostile Parquet files", () => {
  it("are imported as rows that keep the rules, or end in an error, and hang nobody", async (t) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "clicks.parquet");
    const whole = await makeParquet(path, "snappy");
    const uncompressed = await makeParquet(path, "uncompressed");
    const check = async (bytes: Uint8Array): Promise<string> => {
      await writeFile(path, bytes);
      let rows = 0;
      const append = async (batchBytes: Uint8Array): Promise<void> => {
        const batch = decodeClickBatch(batchBytes);
        checkBatch(batch, defaultDimensions, Date.now() + rules.maxFutureMs);
        rows += rowsOf(batch).length;
      };
      try {
        const result = await importFile({
          path,
          format: "parquet",
          map: {},
          timeZone: "UTC",
          layout: defaultDimensions,
          rules,
          append,
          stateDirectory: join(directory.path, String(performance.now())),
          onProgress: () => {},
          onReject: () => {},
        });
        assert.equal(result.accepted, rows);
        assert.equal(result.rows, rows + sumOf(result.rejected));
        if (bytes === whole || bytes === uncompressed) assert.equal(rows, rowCount);
        return rows === rowCount ? "all rows" : "other rows";
      } catch (error) {
        // What the reader of Parquet says, or the head of the file; a bug of ours is neither.
        assert.ok(!(error instanceof assert.AssertionError), String(error));
        const isOurBug = error instanceof TypeError || error instanceof ReferenceError;
        assert.ok(!isOurBug, (error as Error).stack);
        return "refused";
      }
    };
    const tally = await fuzz({
      decoder: "parquet",
      mutants: 150,
      dictionary: ["PAR1", "ad_id", "click_timestamp"],
      seeds: [
        { name: "compressed", bytes: whole },
        ...["a", "b", "c", "d"].map((name) => ({ name, bytes: uncompressed })),
      ],
      check,
      make: (_random, mutator) => mutator.nextInPlace(),
      tell: (message) => t.diagnostic(message),
    });
    const imported = tally.get("all rows")! + (tally.get("other rows") ?? 0);
    assert.ok(imported > 20 && tally.get("refused")! > 20, `${imported} imported`);
  });
});

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
