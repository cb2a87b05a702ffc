/**
 * Files of NDJSON, CSV and Parquet: clicktally into a new data directory, end to end (decoded, durable, deduplicated and counted), and
 * DuckDB into a new database (a table, counts by minute, a checkpoint), in turns.
 */
import { DuckDBInstance } from "@duckdb/node-api";
import { execFile } from "node:child_process";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { addBatch, batchOf, schema } from "./peers/duckdb-sql.ts";
import type { FileFormat } from "./peers/duckdb-sql.ts";
import { clicktally } from "./suite/figures.ts";
import type { RowContext } from "./suite/context.ts";
import { inTurns } from "./suite/rounds.ts";
import { Workload } from "./workload.ts";

const cli = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
const formats: readonly FileFormat[] = ["ndjson", "csv", "parquet"];

export async function measure({ quick, rounds, note, tell }: RowContext): Promise<void> {
  const clicks = quick ? 50_000 : 600_000;
  const directory = mkdtempSync(join(tmpdir(), "clicktally-bench-import-"));
  try {
    await writeFiles(directory, clicks);
    for (const { name, round } of inTurns([clicktally, "DuckDB"], rounds)) {
      tell(`round ${round + 1}: ${name}`);
      for (const format of formats) {
        const target = join(directory, "target");
        const path = join(directory, `clicks.${format}`);
        if (name === clicktally) {
          const { ownSeconds, wholeSeconds } = await importIt(path, target, clicks);
          note(`import.${format}`, name, clicks / ownSeconds);
          note(`import.${format}_whole`, name, clicks / wholeSeconds);
        } else
          note(`import.${format}`, name, clicks / (await loadIntoDuckDb(format, path, target)));
        rmSync(target, { recursive: true, force: true });
        rmSync(`${target}.wal`, { force: true });
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function writeFiles(directory: string, clicks: number): Promise<void> {
  const workload = new Workload(1);
  const output = createWriteStream(join(directory, "clicks.ndjson"));
  const rows = 10_000;
  const startMs = Date.now() - 2 * 3_600_000;
  for (let row = 0; row < clicks; row += rows) {
    const body = workload.body(Math.min(rows, clicks - row), startMs + (row / clicks) * 3_600_000);
    if (!output.write(body)) await once(output, "drain");
  }
  output.end();
  await once(output, "close");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const source = `read_json('${join(directory, "clicks.ndjson")}', columns = {event_id: 'VARCHAR', ad_id: 'VARCHAR',
    click_timestamp: 'VARCHAR', country: 'VARCHAR', device: 'VARCHAR', user_id: 'VARCHAR', ip: 'VARCHAR'})`;
  await connection.run(`COPY (FROM ${source}) TO '${join(directory, "clicks.csv")}' (HEADER)`);
  await connection.run(`COPY (FROM ${source}) TO '${join(directory, "clicks.parquet")}'`);
  instance.closeSync();
}

/** The command's own time, until all is counted, and with start and stop of its process. */
async function importIt(
  path: string,
  dataDir: string,
  clicks: number,
): Promise<{ readonly ownSeconds: number; readonly wholeSeconds: number }> {
  const start = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, [cli, "import", path], {
    env: { ...process.env, CLICKTALLY_DATA_DIR: dataDir },
  });
  const wholeSeconds = (performance.now() - start) / 1000;
  return { ownSeconds: clicks / Number(/(\d+) clicks\/s/.exec(stdout)![1]), wholeSeconds };
}

/** Seconds of reading, counting and a checkpoint. */
async function loadIntoDuckDb(format: FileFormat, path: string, target: string): Promise<number> {
  const instance = await DuckDBInstance.create(target);
  const connection = await instance.connect();
  for (const statement of schema) await connection.run(statement);
  const start = performance.now();
  for (const statement of ["BEGIN", batchOf(format, [path]), ...addBatch, "COMMIT", "CHECKPOINT"])
    await connection.run(statement);
  const seconds = (performance.now() - start) / 1000;
  instance.closeSync();
  return seconds;
}
