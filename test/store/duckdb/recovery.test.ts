import assert from "node:assert/strict";
import {
  copyFile,
  open as openFile,
  readFile,
  readdir,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { CodedError } from "../../../src/model/errors.ts";
import type { ClickStore } from "../../../src/store/click-store.ts";
import { openDuckDbStore } from "../../../src/store/duckdb/duckdb-store.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const noonMs = 1_772_366_400_000;

interface Crashed {
  /** The store file of a directory that looks as after a crash. */
  readonly path: string;
  readonly warnings: string[];
  readonly maker: CommitMaker;
  open(): Promise<ClickStore>;
}

/** Two commits, a checkpoint, three commits in the log. */
async function crashed(directory: string): Promise<Crashed> {
  const living = join(directory, "living.duckdb");
  const path = join(directory, "store.duckdb");
  const warnings: string[] = [];
  const maker = new CommitMaker();
  const options = {
    memoryBytesMax: 128_000_000,
    threads: 2,
    warn: (text: string) => warnings.push(text),
  };
  await using store = await openDuckDbStore({ ...options, path: living });
  for (let i = 0; i < 5; i++) {
    const clicks = Array.from({ length: 10 }, (_, row) => ({
      ad_id: `ad-${i}`,
      event_id: `event ${i} ${row}`,
      click_timestamp: noonMs + row,
      dimensions: { country: "DE" },
    }));
    await store.commit(maker.next({ clicks }));
    if (i === 1) await store.checkpoint();
  }
  await copyFile(living, path);
  await copyFile(`${living}.wal`, `${path}.wal`);
  return { path, warnings, maker, open: () => openDuckDbStore({ ...options, path }) };
}

async function flipByte(path: string, at: number): Promise<void> {
  await using file = await openFile(path, "r+");
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, at);
  byte[0]! ^= 0xff;
  await file.write(byte, 0, 1, at);
}

const hasCode = (code: string) => (error: unknown) =>
  error instanceof CodedError && error.code === code;

async function countRows(store: ClickStore): Promise<number> {
  const query = { source: "raw", fromMinute: 0, toMinute: 50_000_000, order: "count" } as const;
  const { rows } = await store.aggregate({ ...query, groupBy: [], limit: 1 });
  return rows[0]?.count ?? 0;
}

describe("the DuckDB store after a crash", () => {
  it("replays its log", async () => {
    await using directory = await temporaryDirectory();
    const { open, warnings } = await crashed(directory.path);
    await using store = await open();
    assert.equal((await store.recover()).sequence, 5);
    assert.equal(await countRows(store), 50);
    assert.deepEqual(warnings, []);
  });

  it("sets a damaged log aside and goes on from the last checkpoint, wherever the damage is", async () => {
    let asideCount = 0;
    for (const share of [0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 0.97]) {
      await using directory = await temporaryDirectory();
      const { open, path, maker, warnings } = await crashed(directory.path);
      const { size } = await stat(`${path}.wal`);
      await flipByte(`${path}.wal`, Math.floor(size * share));
      const { sequence, progress } = await (async () => {
        await using store = await open();
        const state = await store.recover();
        assert.equal(await countRows(store), state.sequence * 10);
        return state;
      })();
      assert.ok(sequence >= 2 && sequence < 5, `damage at ${share}: commit ${sequence}`);
      assert.equal(progress[0]?.nextOffset, sequence);
      const aside = (await readdir(directory.path)).filter((file) => file.includes("unreplayable"));
      assert.equal(aside.length, warnings.length);
      // A damaged length looks like the end of the log: then nothing has to be set aside.
      for (const warning of warnings)
        assert.match(warning, /set aside as .*store\.duckdb\.wal\.unreplayable-1/);
      asideCount += aside.length;

      // What was lost comes again from the queue, and stays.
      await using store = await open();
      maker.resume(sequence, progress[0]!.nextOffset, (await store.recover()).dictionaries);
      const again = { ad_id: "ad-9", event_id: "again", click_timestamp: noonMs };
      await store.commit(maker.next({ clicks: [again] }));
      await store[Symbol.asyncDispose]();
      await using reopened = await open();
      assert.equal(await countRows(reopened), sequence * 10 + 1);
    }
    assert.ok(asideCount > 0);
  });

  it("takes whole commits from a log that ends early, wherever it ends", async () => {
    for (const share of [0.02, 0.5, 0.8, 0.999]) {
      await using directory = await temporaryDirectory();
      const { open, path, maker } = await crashed(directory.path);
      const { size } = await stat(`${path}.wal`);
      await truncate(`${path}.wal`, Math.floor(size * share));
      await using store = await open();
      const { sequence, progress, dictionaries } = await store.recover();
      assert.ok(sequence >= 2 && sequence < 5, `cut at ${share}: commit ${sequence}`);
      assert.equal(await countRows(store), sequence * 10);
      maker.resume(sequence, progress[0]!.nextOffset, dictionaries);
      const next = { ad_id: "ad-9", event_id: "next", click_timestamp: noonMs };
      await store.commit(maker.next({ clicks: [next] }));
      await store[Symbol.asyncDispose]();
      await using reopened = await open();
      assert.equal(await countRows(reopened), sequence * 10 + 1);
    }
  });

  it("names a damaged file and leaves its log alone", async () => {
    await using directory = await temporaryDirectory();
    const { open, path } = await crashed(directory.path);
    const log = await readFile(`${path}.wal`);
    // The two headers, which say where everything else lies.
    await writeFile(path, new Uint8Array(3 * 4096), { flag: "r+" });
    await assert.rejects(open(), (error) => {
      assert.ok(hasCode("data_corrupt")(error));
      assert.match((error as Error).message, /store\.duckdb cannot be read.*Restore a backup/s);
      return true;
    });
    assert.deepEqual(await readFile(`${path}.wal`), log);
  });

  it("never answers from a damaged block", async () => {
    await using directory = await temporaryDirectory();
    const { open, path } = await crashed(directory.path);
    const { size } = await stat(path);
    for (let at = 20_000; at < size; at += 4096) await flipByte(path, at);
    const ask = async (): Promise<number> => {
      await using store = await open();
      return await countRows(store);
    };
    await assert.rejects(ask(), hasCode("data_corrupt"));
  });

  it("refuses the data of a newer release and leaves every byte of it", async () => {
    await using directory = await temporaryDirectory();
    const { open, path } = await crashed(directory.path);
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run("UPDATE meta SET value = '99' WHERE name = 'format_version'");
    connection.closeSync();
    instance.closeSync();
    const before = await readFile(path);
    await assert.rejects(open(), hasCode("data_format_newer"));
    assert.deepEqual(await readFile(path), before);
  });

  for (const format of [1, 2]) {
    it(`takes over a store of format ${format}`, async () => {
      await using directory = await temporaryDirectory();
      const { open, path, maker } = await crashed(directory.path);
      const before = await (async () => {
        await using store = await open();
        return await store.ledger(0, 50_000_000);
      })();
      const instance = await DuckDBInstance.create(path);
      const connection = await instance.connect();
      if (format === 1) await connection.run("ALTER TABLE ledger DROP COLUMN received");
      for (const name of [
        "outcome_change",
        "closed_period",
        "operation",
        "layout_change",
        "dropped_day",
      ])
        await connection.run(`DROP TABLE ${name}`);
      await connection.run(`UPDATE meta SET value = '${format}' WHERE name = 'format_version'`);
      connection.closeSync();
      instance.closeSync();
      for (let round = 0; round < 2; round++) {
        await using store = await open();
        assert.deepEqual(await store.ledger(0, 50_000_000), before);
      }
      await using store = await open();
      const { sequence, progress, dictionaries } = await store.recover();
      maker.resume(sequence, progress[0]!.nextOffset, dictionaries);
      const click = { ad_id: "ad-9", event_id: "next", click_timestamp: noonMs };
      await store.commit(maker.next({ clicks: [click] }));
      const total = (await store.ledger(0, 50_000_000)).reduce((sum, row) => sum + row.received, 0);
      assert.equal(total, 51);
      assert.deepEqual(await store.operation("none"), []);
      assert.deepEqual(await store.droppedDays(), []);
    });
  }

  it("refuses a database that is no store", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run("CREATE TABLE something (x INTEGER)");
    connection.closeSync();
    instance.closeSync();
    await assert.rejects(
      openDuckDbStore({ path, memoryBytesMax: 128_000_000, threads: 2 }),
      hasCode("data_corrupt"),
    );
  });
});
