import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { listBackups } from "../../src/backup/backups.ts";
import { eventually } from "../support/eventually.ts";
import { liveClicks } from "../support/live-clicks.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { runCommand } from "./run-command.ts";

const clickCount = 2_000;

async function spoil(path: string): Promise<void> {
  await using file = await open(path, "r+");
  const { size } = await file.stat();
  await file.write(Buffer.from("?"), 0, 1, Math.floor(size / 2));
}

describe("backup and restore", () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess;
  let backups: string;
  before(async () => {
    directory = await temporaryDirectory();
    backups = join(directory.path, "backups");
    const dataDir = join(directory.path, "data");
    await mkdir(dataDir);
    service = await ServiceProcess.start({ dataDir });
    const options = { count: clickCount, duplicateShare: 0, shuffledOverMs: 1_000 };
    const clicks = liveClicks(1, { ...options, endMs: Date.now(), spanMs: 600_000 });
    const body = clicks.map((click) => JSON.stringify(click)).join("\n");
    assert.equal((await service.post("/v1/clicks", body)).status, 200);
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  const newDirectory = (): string => join(directory.path, crypto.randomUUID());
  const restore = (from: string, to: string, ...more: string[]) =>
    runCommand(["restore", from, "--data-dir", to, ...more]);

  it("of a running service: what was acked is there, and audited", async () => {
    const made = await runCommand(["backup", backups, "--url", service.url]);
    assert.deepEqual([made.exitCode, made.stderr], [0, ""]);
    assert.match(made.stdout, /backups\/\d{4}-\d\d-\d\dT[\d-]+Z: \d+ bytes, every click/);
    const to = newDirectory();
    const restored = await restore(backups, to);
    assert.equal(restored.exitCode, 0, restored.stderr);
    assert.match(
      restored.stdout,
      /is restored from .*\n.*\n.* of 2000 clicks\nno differences\nthe/,
    );
    const again = await restore(backups, to);
    assert.equal(again.exitCode, 2);
    assert.match(again.stderr, /is not empty/);
  });

  it("of a stopped directory, once it is stopped; what the audit then finds exits 1", async () => {
    const dataDir = newDirectory();
    assert.equal((await restore(backups, dataDir)).exitCode, 0);
    const dir = newDirectory();
    const locked = await runCommand(["backup", dir, "--data-dir", join(directory.path, "data")]);
    assert.equal(locked.exitCode, 3);
    assert.match(locked.stderr, /--url/);
    {
      const instance = await DuckDBInstance.create(join(dataDir, "store.duckdb"));
      const connection = await instance.connect();
      await connection.run("UPDATE minute_delta_0 SET clicks = clicks + 1");
      await connection.run("UPDATE minute_delta_1 SET clicks = clicks + 1");
      connection.closeSync();
      instance.closeSync();
    }
    const made = await runCommand(["backup", dir, "--data-dir", dataDir, "--json"]);
    assert.equal(made.exitCode, 0, made.stderr);
    const { path } = JSON.parse(made.stdout) as { path: string };
    const found = await restore(path, newDirectory());
    assert.equal(found.exitCode, 1, found.stderr);
    assert.match(found.stdout, /[1-9]\d* ROWS DIFFER/);
  });

  it("of which a file is damaged, missing or too short is refused by its name, and nothing restored", async () => {
    const dir = newDirectory();
    const [name] = await listBackups(backups);
    const copyOf = async (file: string): Promise<string> => {
      const made = await runCommand(["backup", dir, "--url", service.url, "--json"]);
      const { path } = JSON.parse(made.stdout) as { path: string };
      assert.ok(existsSync(join(path, file)), `${name} has ${file}`);
      return path;
    };
    for (const file of ["store.duckdb", "queue.sqlite", "config.json", "secret"]) {
      const path = await copyOf(file);
      await spoil(join(path, file));
      const to = newDirectory();
      const { exitCode, stderr } = await restore(path, to);
      assert.equal(exitCode, 3, stderr);
      assert.match(stderr, new RegExp(`the backup is damaged: ${file} does not match its SHA-256`));
      assert.ok(!existsSync(to));
    }
    const path = await copyOf("manifest.json");
    await spoil(join(path, "manifest.json"));
    const damaged = await restore(path, newDirectory());
    assert.equal(damaged.exitCode, 3);
    assert.match(damaged.stderr, /manifest\.json is damaged/);
    const none = await restore(newDirectory(), newDirectory());
    assert.equal(none.exitCode, 3);
    assert.match(none.stderr, /no directory that can be read/);
  });

  it("every so often, of which so many are kept, until it is stopped", async () => {
    const dir = newDirectory();
    const cli = resolve(import.meta.dirname, "../../src/cli.ts");
    const args = ["backup", dir, "--every", "1s", "--keep", "2", "--url", service.url, "--json"];
    const child = spawn(process.execPath, [cli, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    const lines = (): string[] => stdout.split("\n").slice(0, -1);
    await eventually("four are made", () => (lines().length >= 4 ? true : undefined));
    child.kill("SIGTERM");
    const [code] = (await once(child, "close")) as [number | null];
    assert.equal(code, 0);
    const made = lines().map((line) => JSON.parse(line) as { path: string; deleted: string[] });
    assert.deepEqual(
      (await readdir(dir)).toSorted(),
      made.slice(-2).map(({ path }) => path.slice(dir.length + 1)),
    );
    assert.equal(made.flatMap(({ deleted }) => deleted).length, made.length - 2);
    const manifest = JSON.parse(
      await readFile(join(made.at(-1)!.path, "manifest.json"), "utf8"),
    ) as {
      partitions: { next_offset: number; queue_end: number }[];
    };
    for (const { next_offset, queue_end } of manifest.partitions)
      assert.ok(queue_end >= next_offset && next_offset >= 0);
  });

  it("asked for wrongly exits 2", async () => {
    for (const args of [
      ["--every", "5m"],
      ["--every", "soon", "--url", service.url],
      ["--every", "1ms", "--url", service.url],
      ["--keep", "0", "--url", service.url],
    ]) {
      const { exitCode, stderr } = await runCommand(["backup", newDirectory(), ...args]);
      assert.equal(exitCode, 2, `${args.join(" ")}: ${stderr}`);
    }
  });
});
