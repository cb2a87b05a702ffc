import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { parse } from "csv-parse/sync";
import type { OutcomeName } from "../../../src/model/outcome.ts";
import { openDuckDbStore } from "../../../src/store/duckdb/duckdb-store.ts";
import type { ExportQuery } from "../../../src/store/store-exports.ts";
import { Random } from "../../../src/traffic/random.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const dayStartMs = Date.UTC(2026, 2, 1);
const day = { fromMinute: dayStartMs / 60_000, toMinute: dayStartMs / 60_000 + 1_440 };
const dimensions = ["country", "device", "user_id", "ip", "never_sent"];
const { signal } = new AbortController();
const outcomes: readonly OutcomeName[] = ["counted", "duplicate", "restated", "expired"];
const texts = ["US", "plain", 'quo"ted, and\nbroken', "ü", ""] as const;

type Row = Readonly<Record<string, string>>;

function randomCommits(maker: CommitMaker, random: Random, count: number) {
  return Array.from({ length: count }, (_, i) => {
    const clicks = Array.from({ length: 200 }, () => ({
      ad_id: random.pick(["ad-1", "ad,2", "ü"]),
      event_id: random.chance(0.7) ? random.uuid() : `e ${random.word()}`,
      click_timestamp: dayStartMs + random.below(3 * 86_400_000) - 86_400_000,
      outcome: random.pick(outcomes),
      dimensions: {
        ...(random.chance(0.7) && { country: random.pick(["US", "DE"]) }),
        ...(random.chance(0.7) && { device: random.pick(texts.slice(0, 4)) }),
        ...(random.chance(0.7) && { user_id: random.pick(texts.slice(0, 4)) }),
        ...(random.chance(0.7) && { ip: random.pick(["10.0.0.1", "2001:db8::7"]) }),
      },
    }));
    return maker.next({ clicks, source: `source ${i % 3}`, receivedAtMs: dayStartMs + i });
  });
}

async function readParquet(path: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const columns = `COLUMNS(*)::VARCHAR`;
  const sql = `SELECT ${columns} FROM read_parquet('${path.replaceAll("'", "''")}')`;
  const rows = (await connection.runAndReadAll(sql)).getRowObjectsJS();
  connection.closeSync();
  instance.closeSync();
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value ?? "")])),
  );
}

const timeOf = (text: string): number => Date.parse(text.endsWith("Z") ? text : `${text}Z`);

describe("an exported day", () => {
  it("has every click of the day, of every outcome, in order, in both formats", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    const maker = new CommitMaker();
    await using store = await openDuckDbStore({ path, memoryBytesMax: 256e6, threads: 2 });
    for (const commit of randomCommits(maker, new Random(1), 12)) await store.commit(commit);
    await store.checkpoint();
    await store.compact(day.toMinute);
    const query = { ...day, what: "clicks", dimensions } as const;
    const csvPath = join(directory.path, "clicks.csv");
    const parquetPath = join(directory.path, "it's.parquet");
    const csv = await store.exportDay({ ...query, format: "csv", path: csvPath }, signal);
    const parquet = await store.exportDay(
      { ...query, format: "parquet", path: parquetPath },
      signal,
    );
    const rows = parse<Row>(await readFile(csvPath), { columns: true });
    const expected = maker.clicks.filter(
      ({ click_timestamp: time }) => time >= dayStartMs && time < dayStartMs + 86_400_000,
    );
    assert.deepEqual([csv.rows, parquet.rows], [expected.length, expected.length]);
    assert.deepEqual([csv.asOf, parquet.asOf], [12, 12]);
    const line = (click: (typeof expected)[number]): string =>
      JSON.stringify([
        click.click_timestamp,
        click.ad_id,
        click.event_id,
        click.outcome,
        ...dimensions.map((name) => click.dimensions?.[name] ?? ""),
      ]);
    for (const found of [rows, await readParquet(parquetPath)]) {
      const lines = found.map((row) =>
        JSON.stringify([
          timeOf(row["click_timestamp"]!),
          row["ad_id"],
          row["event_id"],
          row["outcome"],
          ...dimensions.map((name) => row[name]),
        ]),
      );
      assert.deepEqual(lines.toSorted(), expected.map(line).toSorted());
      const times = found.map((row) => timeOf(row["click_timestamp"]!));
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      for (const row of found) {
        const commit = timeOf(row["received_at"]!) - dayStartMs;
        assert.equal(row["source"], `source ${commit % 3}`);
      }
    }
    assert.deepEqual(
      (await readdir(directory.path)).filter((name) => /export|partial/.test(name)),
      [],
    );
  });

  it("has the minute counts by ad and dimensions", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    const maker = new CommitMaker();
    await using store = await openDuckDbStore({ path, memoryBytesMax: 256e6, threads: 2 });
    for (const commit of randomCommits(maker, new Random(2), 8)) await store.commit(commit);
    await store.compact(day.fromMinute + 700);
    const csvPath = join(directory.path, "minutes.csv");
    const query: ExportQuery = {
      ...day,
      what: "minutes",
      format: "csv",
      dimensions: ["country", "device"],
      path: csvPath,
    };
    await store.exportDay(query, signal);
    const rows = parse<Row>(await readFile(csvPath), { columns: true });
    const counts = new Map<string, number>();
    for (const { click_timestamp: time, outcome, ad_id, dimensions: sent } of maker.clicks) {
      const isCounted = outcome === "counted" || outcome === "restated";
      if (!isCounted || time < dayStartMs || time >= dayStartMs + 86_400_000) continue;
      const minute = new Date(Math.floor(time / 60_000) * 60_000).toISOString();
      const key = JSON.stringify([minute, ad_id, sent?.["country"] ?? "", sent?.["device"] ?? ""]);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const found = rows.map(({ minute, ad_id, country, device, count }) => [
      JSON.stringify([minute, ad_id, country, device]),
      Number(count),
    ]);
    assert.deepEqual(new Map(found as [string, number][]), counts);
    assert.equal(rows.length, counts.size);
  });

  it("takes no other's place, is not written where there is nothing, and can be given up", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    const maker = new CommitMaker();
    await using store = await openDuckDbStore({ path, memoryBytesMax: 256e6, threads: 2 });
    for (const commit of randomCommits(maker, new Random(3), 2)) await store.commit(commit);
    const query = { ...day, what: "clicks", format: "csv", dimensions } as const;
    const taken = join(directory.path, "taken.csv");
    await writeFile(taken, "mine");
    await assert.rejects(store.exportDay({ ...query, path: taken }, signal), {
      code: "already_exists",
      field: "dir",
    });
    assert.equal(await readFile(taken, "utf8"), "mine");
    const empty = { ...query, fromMinute: 0, toMinute: 1_440, path: join(directory.path, "none") };
    assert.deepEqual(await store.exportDay(empty, signal), { asOf: 2, rows: 0, bytes: 0 });
    const abort = new AbortController();
    abort.abort(new Error("enough"));
    const given = { ...query, path: join(directory.path, "given-up") };
    await assert.rejects(store.exportDay(given, abort.signal), /enough/);
    await assert.rejects(
      store.exportDay({ ...query, path: join(directory.path, "no/such/file") }, signal),
      { code: "ENOENT" },
    );
    const names = await readdir(directory.path);
    assert.deepEqual(
      names.filter((name) => !name.startsWith("store.duckdb")),
      ["taken.csv"],
    );
    assert.ok(!names.includes("store.duckdb.export"));
  });
});
