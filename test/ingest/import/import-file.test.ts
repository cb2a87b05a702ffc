import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { deriveEventId, deriveOccurrenceId } from "../../../src/ingest/derived-event-id.ts";
import { importFile } from "../../../src/ingest/import/import-file.ts";
import type { ImportOptions, ImportResult } from "../../../src/ingest/import/import-file.ts";
import { formatOfName } from "../../../src/ingest/import/source-blocks.ts";
import { decodeClickBatch } from "../../../src/model/click-batch-codec.ts";
import { CodedError } from "../../../src/model/errors.ts";
import type { ClicksRecord } from "../../../src/model/log-record.ts";
import { rowsOf } from "../../../src/simulation/oracle/log-rows.ts";
import type { LogRow } from "../../../src/simulation/oracle/log-rows.ts";
import { testDimensions } from "../../support/random-clicks.ts";

/** A log that keeps what is appended; it can be told to fail. */
class KeptLog {
  readonly rows: LogRow[] = [];
  appends = 0;
  failAt = Infinity;

  readonly append = (bytes: Uint8Array, source: string) => {
    if (++this.appends >= this.failAt)
      return Promise.reject(new CodedError("storage_failed", "the disk is gone"));
    const batch = decodeClickBatch(bytes);
    const record: ClicksRecord = { kind: "clicks", receivedAtMs: 0, source, history: true, batch };
    const offset = this.appends - 1;
    this.rows.push(...rowsOf(record, offset));
    return Promise.resolve([{ partition: 0, offset }]);
  };
}

async function directoryFor(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "clicktally-import-"));
  context.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

interface Imported extends ImportResult {
  readonly problems: readonly string[];
}

async function run(
  path: string,
  log: KeptLog,
  options: Partial<ImportOptions> = {},
): Promise<Imported> {
  const problems: string[] = [];
  const result = await importFile({
    path,
    format: formatOfName(path)!,
    map: {},
    timeZone: "UTC",
    layout: testDimensions,
    rules: { unknownFields: "ignore", missingEventId: "derive", maxFutureMs: 60_000 },
    append: log.append,
    stateDirectory: join(path, "..", "imports"),
    onProgress: () => {},
    batchRowsMax: 1_000,
    onReject: (row, { field, code }) => problems.push(`${row} ${code} ${field ?? ""}`.trim()),
    ...options,
  });
  return { ...result, problems };
}

const click = {
  ad_id: "a",
  click_timestamp: "2026-01-15T12:00:00Z",
  event_id: "e1",
  country: "US",
  ip: "10.0.0.1",
};
const lines = (...items: unknown[]): string =>
  items.map((item) => `${JSON.stringify(item)}\n`).join("");

void test("NDJSON, CSV and Parquet with the same clicks make the same rows, compressed or not", async (context) => {
  const directory = await directoryFor(context);
  const clicks = [
    click,
    {
      ad_id: 'b,"x"',
      click_timestamp: "2026-01-15T12:00:00.5+01:00",
      event_id: "0f8fad5b-d9cb-469f-a165-70867728950e",
      user_id: "u",
    },
    { ad_id: "c", click_timestamp: "2026-01-15T12:00:01Z", device: "a\nb", note: "é" },
  ];
  const ndjson = lines(...clicks);
  const columns = [
    "note",
    "ip",
    "ad_id",
    "click_timestamp",
    "event_id",
    "country",
    "device",
    "user_id",
  ] as const;
  const cell = (value: string | undefined): string =>
    value === undefined ? "" : `"${value.replaceAll('"', '""')}"`;
  const csv = [
    columns.join(","),
    ...clicks.map((item) =>
      columns.map((name) => cell((item as Record<string, string>)[name])).join(","),
    ),
  ].join("\n");
  await writeFile(join(directory, "a.ndjson"), ndjson);
  await writeFile(join(directory, "a.ndjson.gz"), gzipSync(ndjson));
  await writeFile(join(directory, "a.jsonl.zst"), zstdCompressSync(ndjson));
  await writeFile(join(directory, "a.csv"), csv);
  await writeFile(join(directory, "a.csv.gz"), gzipSync(csv));
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(
    `COPY (FROM read_csv('${join(directory, "a.csv")}', all_varchar=true)) TO '${join(directory, "a.parquet")}'`,
  );
  instance.closeSync();

  const contents: unknown[] = [];
  for (const name of ["a.ndjson", "a.ndjson.gz", "a.jsonl.zst", "a.csv", "a.csv.gz", "a.parquet"]) {
    const log = new KeptLog();
    const result = await run(join(directory, name), log);
    assert.deepEqual([result.rows, result.accepted, result.problems], [3, 3, []], name);
    assert.deepEqual(new Set(log.rows.map(({ source }) => source)), new Set([`import:${name}`]));
    contents.push(
      log.rows.map(({ identity, time, dimensions }) => ({ identity, time, dimensions })),
    );
  }
  for (const content of contents) assert.deepEqual(content, contents[0]);
});

void test("Parquet's own times are read: with a zone as points in time, without as local", async (context) => {
  const directory = await directoryFor(context);
  const path = join(directory, "typed.parquet");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT 7 AS channel, TIMESTAMP '2026-01-15 12:00:00.25' AS local, 1768478400250 AS ms,
       TIMESTAMPTZ '2026-01-15 12:00:00.25+00' AS instant, 1.5::DECIMAL(4,1) AS amount, [1,2] AS list) TO '${path}'`,
  );
  instance.closeSync();
  const timeUnder = async (column: string): Promise<number> => {
    const log = new KeptLog();
    const map = { ad_id: "channel", click_timestamp: column };
    await run(path, log, { map, timeZone: "Asia/Shanghai" });
    return log.rows[0]!.time;
  };
  const noonMs = Date.UTC(2026, 0, 15, 12, 0, 0, 250);
  assert.equal(await timeUnder("instant"), noonMs);
  assert.equal(await timeUnder("ms"), noonMs);
  assert.equal(await timeUnder("local"), noonMs - 8 * 3_600_000);
});

void test("equal rows without an event id are separate clicks with ids of their own, the first one's the live one", async (context) => {
  const directory = await directoryFor(context);
  const path = join(directory, "sample.csv");
  await writeFile(
    path,
    "channel,at,extra\n7,2026-01-15 9:30,x\n7,2026-01-15 9:30,x\n8,2026-01-15 9:30,\n7,2026-01-15 9:30,x\n",
  );
  const log = new KeptLog();
  const result = await run(path, log, { map: { ad_id: "channel", click_timestamp: "at" } });
  assert.deepEqual([result.accepted, result.unknownFields], [4, 3]);
  const first = deriveEventId([
    ["ad_id", "7"],
    ["click_timestamp", "2026-01-15 9:30"],
    ["extra", "x"],
  ]);
  const hex = (words: readonly number[]): string =>
    `derived:${words.map((w) => w.toString(16).padStart(8, "0")).join("")}`;
  const other = deriveEventId([
    ["ad_id", "8"],
    ["click_timestamp", "2026-01-15 9:30"],
  ]);
  assert.deepEqual(
    log.rows.map(({ eventId }) => eventId),
    [hex(first), hex(deriveOccurrenceId(first, 2)), hex(other), hex(deriveOccurrenceId(first, 3))],
  );
  const again = new KeptLog();
  const repeated = await run(path, again, { map: { ad_id: "channel", click_timestamp: "at" } });
  assert.equal(typeof repeated.importedBefore, "string");
  assert.deepEqual(
    again.rows.map(({ identity }) => identity),
    log.rows.map(({ identity }) => identity),
  );
});

void test("bad rows are told by their number and code and cost nothing that is good", async (context) => {
  const directory = await directoryFor(context);
  const path = join(directory, "bad.ndjson");
  const future = { ...click, click_timestamp: new Date(Date.now() + 3_600_000).toISOString() };
  const bad = [{ ...click, ad_id: 7 }, { ad_id: "a" }, { ...click, ip: "10.0.0.256" }, future];
  await writeFile(
    path,
    `${lines(click, ...bad)}{"ad_id":\n\n[1]\n${lines({ ...click, event_id: "e2" })}`,
  );
  const log = new KeptLog();
  const result = await run(path, log);
  assert.deepEqual(result.problems, [
    "2 invalid_type ad_id",
    "3 missing_field click_timestamp",
    "4 invalid_ip ip",
    "5 future_timestamp click_timestamp",
    "6 malformed_json",
    "7 invalid_type",
  ]);
  assert.deepEqual([result.rows, result.accepted], [8, 2]);
  assert.equal(result.rejected.invalid_type, 2);
  assert.deepEqual(
    log.rows.map(({ eventId }) => eventId),
    ["e1", "e2"],
  );
});

void test("undeclared columns are refused where the configuration says so", async (context) => {
  const path = join(await directoryFor(context), "strict.ndjson");
  await writeFile(path, lines(click, { ...click, campaign: "x" }));
  const rules = { unknownFields: "reject", missingEventId: "derive", maxFutureMs: 60_000 } as const;
  const result = await run(path, new KeptLog(), { rules });
  assert.deepEqual(result.problems, ["2 unknown_field campaign"]);
});

/** Rows of few contents, none with an event id, more than two batches of them. */
function longCsv(): string {
  const row = (i: number): string => `ad-${i % 7},${1_768_478_400_000 + (i % 100)},\n`;
  return `ad_id,click_timestamp,event_id\n${Array.from({ length: 2_500 }, (_, i) => row(i)).join("")}`;
}

void test("an interrupted import goes on behind its last durable batch, and comes to the same rows", async (context) => {
  const directory = await directoryFor(context);
  const path = join(directory, "long.csv");
  await writeFile(path, longCsv());
  const whole = new KeptLog();
  await run(path, whole, { stateDirectory: join(directory, "elsewhere") });

  const log = new KeptLog();
  log.failAt = 3;
  await assert.rejects(run(path, log), /the disk is gone/);
  assert.equal(log.rows.length, 2_000);
  log.failAt = Infinity;
  const resumed = await run(path, log);
  assert.deepEqual([resumed.resumedRows, resumed.rows, resumed.accepted], [2_000, 2_500, 2_500]);
  assert.equal(log.rows.length, 2_500);
  assert.equal(new Set(log.rows.map(({ identity }) => identity)).size, 2_500);
  for (const [i, row] of whole.rows.entries())
    if (log.rows[i]!.identity !== row.identity) assert.fail(`row ${i} differs`);
});

void test("another file of that name, another map or zone starts from the beginning", async (context) => {
  const directory = await directoryFor(context);
  const path = join(directory, "long.csv");
  await writeFile(path, longCsv());
  const log = new KeptLog();
  log.failAt = 2;
  await assert.rejects(run(path, log), /the disk is gone/);
  log.failAt = Infinity;
  assert.equal((await run(path, log, { timeZone: "Europe/Berlin" })).resumedRows, 0);
  await writeFile(path, (await readFile(path, "utf8")).replace("ad-0", "ad-9"));
  await utimes(path, new Date(), new Date(Date.now() + 5_000));
  assert.equal((await run(path, log)).resumedRows, 0);
});

void test("an append that is refused for now is tried again, and a broken file ends the import", async (context) => {
  const directory = await directoryFor(context);
  const path = join(directory, "one.ndjson");
  await writeFile(path, lines(click));
  const log = new KeptLog();
  let refusals = 0;
  const append = (bytes: Uint8Array<ArrayBuffer>, source: string) => {
    if (refusals++ === 0) return Promise.reject(new CodedError("overloaded", "later"));
    return log.append(bytes, source);
  };
  assert.equal((await run(path, log, { append })).accepted, 1);

  const broken = join(directory, "broken.ndjson.gz");
  await writeFile(broken, gzipSync(lines(click)).subarray(0, 40));
  await assert.rejects(run(broken, new KeptLog()), /unexpected end of file/);
  const noParquet = join(directory, "no.parquet");
  await writeFile(noParquet, "nothing of the kind");
  await assert.rejects(run(noParquet, new KeptLog()));
});

void test("a Parquet import leaves no pipe behind", async (context) => {
  const directory = await directoryFor(context);
  const path = join(directory, "p.parquet");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT 'ad-' || (i % 9) AS ad_id, 1768478400000 + i AS click_timestamp FROM range(30000) t(i)) TO '${path}'`,
  );
  instance.closeSync();
  const pipes = async () =>
    (await readdir(tmpdir())).filter((name) => name.startsWith("clicktally-parquet-"));
  const before = await pipes();
  const log = new KeptLog();
  log.failAt = 1;
  await assert.rejects(run(path, log), /the disk is gone/);
  log.failAt = Infinity;
  assert.equal((await run(path, log)).accepted, 30_000);
  assert.deepEqual(await pipes(), before);
});

void test("formats are known by the names' endings", () => {
  const known = ["a.csv", "a.CSV.gz", "a.b.ndjson.zst", "a.jsonl", "a.parquet", "a.gz", "csv"].map(
    formatOfName,
  );
  assert.deepEqual(known, ["csv", "csv", "ndjson", "ndjson", "parquet", undefined, undefined]);
});
