import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { parse } from "csv-parse/sync";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { runCommand } from "./run-command.ts";

const dayMs = 86_400_000;
const clickCount = 3_000;

/** Spread over three UTC days up to now, one in ten twice. */
function clicksOfThreeDays(): string[] {
  const nowMs = Date.now();
  return Array.from({ length: clickCount }, (_, i) => {
    const click = {
      ad_id: `ad-${i % 7}`,
      event_id: `event ${i}`,
      click_timestamp: nowMs - Math.floor(((clickCount - i) / clickCount) * 2.5 * dayMs),
      country: ["DE", "US", undefined][i % 3],
      user_id: `u${i % 11}`,
      ip: i % 2 === 0 ? `10.0.0.${i % 200}` : `2001:db8::${(i % 200).toString(16)}`,
    };
    return JSON.stringify(click);
  }).flatMap((line, i) => (i % 10 === 0 ? [line, line] : [line]));
}

type Row = Readonly<Record<string, string>>;

async function rowsIn(directory: string): Promise<Row[]> {
  const names = (await readdir(directory)).toSorted();
  const files = await Promise.all(names.map((name) => readFile(join(directory, name))));
  return files.flatMap((file) => parse<Row>(file, { columns: true }));
}

function countsBy(rows: readonly Row[], fields: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const key = JSON.stringify(fields.map((field) => row[field]));
    counts.set(key, (counts.get(key) ?? 0) + Number(row["count"] ?? 1));
  }
  return counts;
}

describe("export", () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess;
  let dataDir: string;
  before(async () => {
    directory = await temporaryDirectory();
    dataDir = join(directory.path, "data");
    await mkdir(dataDir);
    service = await ServiceProcess.start({ dataDir, env: { CLICKTALLY_DEDUP_HORIZON: "7d" } });
    const answer = await service.post("/v1/clicks", clicksOfThreeDays().join("\n"));
    assert.equal(answer.status, 200);
    await service.caughtUp();
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  const newDirectory = (): string => join(directory.path, crypto.randomUUID());

  it("of all minutes and of all clicks equals the breakdown of the API, one file a day", async () => {
    const range = `from=${Date.now() - 4 * dayMs}&to=${Date.now() + 60_000}`;
    const by = ["ad_id", "country", "user_id"];
    const breakdown = async (fields: readonly string[]): Promise<Map<string, number>> => {
      const answer = await service.get<{ rows: Record<string, string | number | null>[] }>(
        `/v1/breakdown?by=${fields.join(",")}&${range}&limit=100000`,
      );
      const rows = answer.rows.map((row) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value ?? "")])),
      );
      return countsBy(rows, fields);
    };
    const clicksTo = newDirectory();
    const options = ["--format", "csv", "--url", service.url];
    const clicks = await runCommand(["export", "--to-dir", clicksTo, ...options]);
    assert.equal(clicks.exitCode, 0, clicks.stderr);
    const rows = await rowsIn(clicksTo);
    assert.equal(rows.length, clickCount + clickCount / 10);
    assert.match(clicks.stdout, /\n3300 rows in [34] files\n$/);
    const counted = rows.filter(({ outcome }) => outcome === "counted" || outcome === "restated");
    assert.equal(counted.length, clickCount);
    assert.deepEqual(countsBy(counted, by), await breakdown(by));
    assert.equal(new Set(counted.map(({ event_id }) => event_id)).size, clickCount);
    for (const name of await readdir(clicksTo)) {
      const day = /^clicks-(\d{4}-\d\d-\d\d)\.csv$/.exec(name)![1]!;
      const file = parse<Row>(await readFile(join(clicksTo, name)), { columns: true });
      assert.ok(file.every(({ click_timestamp: time }) => time!.startsWith(`${day}T`)));
    }

    const minutesTo = newDirectory();
    const minutes = await runCommand([
      "export",
      "--to-dir",
      minutesTo,
      "--what",
      "minutes",
      ...options,
    ]);
    assert.equal(minutes.exitCode, 0, minutes.stderr);
    const fields = ["ad_id", "country"];
    assert.deepEqual(countsBy(await rowsIn(minutesTo), fields), await breakdown(fields));
  });

  it("of a range has what lies in it, as Parquet too", async () => {
    const to = newDirectory();
    const [fromMs, toMs] = [Date.now() - dayMs, Date.now() - dayMs / 2];
    const args = ["--from", String(fromMs), "--to", String(toMs), "--url", service.url, "--json"];
    const { exitCode, stdout, stderr } = await runCommand(["export", "--to-dir", to, ...args]);
    assert.equal(exitCode, 0, stderr);
    const days = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { rows: number });
    const rows = days.reduce((sum, day) => sum + day.rows, 0);
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const found = await connection.runAndReadAll(
      `SELECT count(*)::INT, min(epoch_ms(click_timestamp))::DOUBLE, max(epoch_ms(click_timestamp))::DOUBLE
       FROM read_parquet('${to}/*.parquet')`,
    );
    const [[count, first, last]] = found.getRowsJS() as [[number, number, number]];
    connection.closeSync();
    instance.closeSync();
    assert.equal(count, rows);
    assert.ok(count > 500 && first >= fromMs - 60_000 && last < toMs + 60_000);
  });

  it("overwrites nothing, and refuses what is wrong by name", async () => {
    const to = newDirectory();
    const args = ["export", "--to-dir", to, "--url", service.url];
    assert.equal((await runCommand(args)).exitCode, 0);
    const [name] = await readdir(to);
    await writeFile(join(to, name!), "mine");
    const again = await runCommand(args);
    assert.equal(again.exitCode, 2);
    assert.match(again.stderr, new RegExp(`${name} exists`));
    assert.equal(await readFile(join(to, name!), "utf8"), "mine");
    const inside = await runCommand([
      "export",
      "--to-dir",
      join(dataDir, "x"),
      "--url",
      service.url,
    ]);
    assert.equal(inside.exitCode, 2);
    assert.match(inside.stderr, /inside the data directory/);
    for (const [body, field] of [
      [{ dir: to, format: "xml" }, "format"],
      [{ dir: to, format: "csv", what: "all" }, "what"],
      [{ dir: to, format: "csv", from: "soon" }, "from"],
      [{ dir: to, format: "csv", from: "2", to: "1" }, "to"],
      [{ dir: "relative", format: "csv" }, "dir"],
    ] as const) {
      const path = "/v1/admin/export";
      type Problem = { code: string; field: string };
      const answer = await service.post<Problem>(path, JSON.stringify(body), "application/json");
      const { code, field: named } = answer.body;
      assert.deepEqual([answer.status, code, named], [400, "invalid_parameter", field]);
    }
  });
});
