/**
 * Import of the same clicks from NDJSON, CSV and Parquet into a new data directory, end to end: decoded, durable,
 * deduplicated and counted.
 *
 *   node bench/import.ts [--clicks 1000000] [--rounds 3]
 */
import { DuckDBInstance } from "@duckdb/node-api";
import { execFile } from "node:child_process";
import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { median } from "./processes.ts";
import { Workload } from "./workload.ts";

const { values: flags } = parseArgs({
  options: {
    clicks: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
  },
});
const cli = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
const clicks = Number(flags.clicks);
const directory = mkdtempSync(join(tmpdir(), "clicktally-bench-import-"));
try {
  await writeFiles();
  console.log(
    `| import of ${clicks.toLocaleString("en-US")} clicks, medians of ${flags.rounds} | bytes a click | clicks/s, all counted | with start and stop |`,
  );
  console.log("|---|---|---|---|");
  for (const format of ["ndjson", "csv", "parquet"]) await measure(format);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function writeFiles(): Promise<void> {
  const workload = new Workload(1);
  const output = createWriteStream(join(directory, "clicks.ndjson"));
  const rows = 10_000;
  const startMs = Date.now() - 2 * 3_600_000;
  for (let row = 0; row < clicks; row += rows) {
    if (
      !output.write(
        workload.body(Math.min(rows, clicks - row), startMs + (row / clicks) * 3_600_000),
      )
    )
      await once(output, "drain");
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

async function measure(format: string): Promise<void> {
  const path = join(directory, `clicks.${format}`);
  const own: number[] = [];
  const whole: number[] = [];
  for (let round = 0; round < Number(flags.rounds); round++) {
    const dataDir = join(directory, `data-${format}-${round}`);
    const start = performance.now();
    const { stdout } = await promisify(execFile)(process.execPath, [cli, "import", path], {
      env: { ...process.env, CLICKTALLY_DATA_DIR: dataDir },
    });
    whole.push(clicks / ((performance.now() - start) / 1000));
    own.push(Number(/(\d+) clicks\/s/.exec(stdout)![1]));
    rmSync(dataDir, { recursive: true, force: true });
  }
  const text = (value: number): string => Math.round(value).toLocaleString("en-US");
  console.log(
    `| ${format} | ${text(statSync(path).size / clicks)} | ${text(median(own))} | ${text(median(whole))} |`,
  );
}
