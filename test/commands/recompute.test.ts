import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { formatMinute, minuteMs, minuteOf } from "../../src/model/time.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { runCommand } from "./run-command.ts";

const startMinute = minuteOf(Date.now());
/** Final as soon as a click of now is counted. */
const damagedMinute = startMinute - 30;
const lateMinute = startMinute - 20;
const range = [
  "--from",
  formatMinute(damagedMinute - 5),
  "--to",
  formatMinute(lateMinute + 5),
] as const;

/** One click more in a minute's row, and one row that no click is behind. */
async function damage(path: string): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  const tables = await connection.runAndReadAll(
    "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'minute%'",
  );
  for (const [table] of tables.getRowsJS()) {
    const where = `WHERE minute = ${damagedMinute}`;
    await connection.run(`UPDATE "${String(table)}" SET clicks = clicks + 1 ${where}`);
    await connection.run(
      `INSERT INTO "${String(table)}" BY NAME
       SELECT * REPLACE (minute + 1 AS minute) FROM "${String(table)}" ${where}`,
    );
  }
  await connection.run("CHECKPOINT");
  connection.closeSync();
  instance.closeSync();
}

describe("recompute", () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess;
  before(async () => {
    directory = await temporaryDirectory();
    service = await ServiceProcess.start({ dataDir: directory.path });
    const send = async (clicks: object[]): Promise<void> => {
      const body = JSON.stringify(clicks);
      await service.post("/v1/clicks?wait=counted", body, "application/json");
    };
    await send([{ ad_id: "a", click_timestamp: Date.now(), event_id: "now" }]);
    await send([
      {
        ad_id: "a",
        click_timestamp: damagedMinute * minuteMs,
        event_id: "late-1",
        country: "US",
      },
      { ad_id: "b", click_timestamp: lateMinute * minuteMs, event_id: "late-2" },
    ]);
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  const run = (...args: string[]) => runCommand(["recompute", "--url", service.url, ...args]);
  const recompute = (...args: string[]) => run(...range, ...args);
  const audit = () => runCommand(["audit", "--url", service.url, "--json"]);
  const count = async (ad: string): Promise<number> => {
    const path = `/v1/ads/${ad}/aggregated_count?from=${range[1]}&to=${range[3]}`;
    return (await service.get<{ count: number }>(path)).count;
  };

  it("finds nothing where nothing differs, and refuses what is not final or not asked right", async () => {
    const found = await recompute();
    assert.deepEqual([found.exitCode, found.stderr], [0, ""]);
    assert.match(found.stdout, /would change 0 minute rows/);
    const open = await run(
      "--from",
      formatMinute(startMinute),
      "--to",
      formatMinute(startMinute + 1),
    );
    assert.equal(open.exitCode, 3);
    assert.match(open.stderr, /to: only minutes that are final/);
    const wrong = await recompute("--apply", "--reason", "");
    assert.equal(wrong.exitCode, 2);
    assert.match(wrong.stderr, /reason/);
    const both = await recompute("--rollback");
    assert.equal(both.exitCode, 2);
  });

  it("mends minute rows that were damaged, and is undone", async () => {
    await service[Symbol.asyncDispose]();
    await damage(join(directory.path, "store.duckdb"));
    const stopped = await runCommand(["audit", "--data-dir", directory.path, "--json"]);
    assert.equal(stopped.exitCode, 1, stopped.stderr);
    const { differences } = JSON.parse(stopped.stdout) as { differences: object[] };
    const damaged = { ad_id: "a", country: "US", device: null };
    assert.deepEqual(differences, [
      { ...damaged, minute: formatMinute(damagedMinute), raw_count: 1, minute_count: 2 },
      { ...damaged, minute: formatMinute(damagedMinute + 1), raw_count: 0, minute_count: 2 },
    ]);

    service = await ServiceProcess.start({ dataDir: directory.path });
    assert.equal(await count("a"), 4);
    const preview = await recompute("--json");
    assert.equal(preview.exitCode, 1, preview.stderr);
    const wouldBe = JSON.parse(preview.stdout) as Record<string, unknown>;
    assert.deepEqual(wouldBe["differences"], [
      { minute: formatMinute(damagedMinute), ad_id: "a", before: 2, after: 1 },
      { minute: formatMinute(damagedMinute + 1), ad_id: "a", before: 2, after: 0 },
    ]);
    assert.deepEqual([wouldBe["rows"], wouldBe["change"]], [2, -3]);
    assert.equal((await audit()).exitCode, 1, "a preview changes nothing");

    const applied = await recompute("--apply", "--reason", "a disk was mended");
    assert.equal(applied.exitCode, 0, applied.stderr);
    assert.match(applied.stdout, /changed 2 minute rows, the counts of 2 buckets by -3 in all/);
    assert.equal((await audit()).exitCode, 0);
    assert.equal(await count("a"), 1);

    const undone = await run("--rollback");
    assert.equal(undone.exitCode, 0, undone.stderr);
    assert.equal(await count("a"), 4);
    assert.equal((await audit()).exitCode, 1);
    const again = await run("--rollback");
    assert.equal(again.exitCode, 3);
    assert.match(again.stderr, /rollback: this is not the last recompute/);
    assert.equal((await recompute("--apply")).exitCode, 0);
    assert.equal((await audit()).exitCode, 0);

    const listing = ["query", "restatements", "--url", service.url, "--csv"];
    const journal = await runCommand([...listing, ...range]);
    const entries = journal.stdout.trim().split("\r\n").slice(1);
    const reasons = entries.map((line) => line.split(",").slice(1, 6).join(" "));
    assert.deepEqual(reasons, [
      "a 0 1 1 late",
      "a 2 1 2 recompute",
      "a 1 2 3 rollback",
      "a 2 1 4 recompute",
      "a 2 0 1 recompute",
      "a 0 2 2 rollback",
      "a 2 0 3 recompute",
      "b 0 1 1 late",
    ]);
  });

  it("gives late clicks of the past what another policy says, and takes it back", async () => {
    const preview = await recompute("--late", "quarantine", "--json");
    assert.equal(preview.exitCode, 1);
    const { clicks, change } = JSON.parse(preview.stdout) as { clicks: number; change: number };
    assert.deepEqual([clicks, change], [2, -2]);
    assert.equal((await recompute("--late", "quarantine", "--apply")).exitCode, 0);
    assert.deepEqual([await count("a"), await count("b")], [0, 0]);
    assert.equal((await audit()).exitCode, 0);
    assert.equal(
      (await recompute("--late", "quarantine")).exitCode,
      0,
      "nothing is left to change",
    );
    assert.equal((await run("--rollback")).exitCode, 0);
    assert.deepEqual([await count("a"), await count("b")], [1, 1]);
    assert.equal((await audit()).exitCode, 0);
  });
});
