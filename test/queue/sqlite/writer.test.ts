import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { openSqliteQueueReader } from "../../../src/queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../../../src/queue/sqlite/writer.ts";
import { isCoded, newRecord, patternBytes } from "../../support/queue-records.ts";
import { openSqliteQueue } from "../../support/sqlite-queue.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const group = [newRecord(0, patternBytes(60_000)), newRecord(1, patternBytes(500))];
const megabyte = 1 << 20;

describe("the SQLite queue's budget", () => {
  it("refuses what does not fit, and takes it when a trim has made room", async () => {
    await using queue = await openSqliteQueue(2, 2 * megabyte);
    const append = () => queue.writer.append(group);
    const appendUntilFull = async () => {
      for (let groups = 0; groups < 100; groups++) {
        try {
          await append();
        } catch (error) {
          assert.ok(isCoded("queue_full", /no room/)(error), String(error));
          return groups;
        }
      }
      return assert.fail("never full");
    };
    const fitting = await appendUntilFull();
    assert.ok(fitting > 20, `only ${fitting} groups fit`);
    const { nextOffset } = await queue.reader.bounds(0);
    assert.equal(nextOffset, fitting);
    assert.ok((await queue.writer.sizeBytes()) <= 2 * megabyte);
    await assert.rejects(append(), isCoded("queue_full"));
    assert.deepEqual(await queue.reader.bounds(0), { firstOffset: 0, nextOffset });

    // Over and over the same space is used: the file does not grow.
    for (let round = 0; round < 3; round++) {
      for (const partition of [0, 1]) {
        await queue.writer.trim(partition, (await queue.reader.bounds(partition)).nextOffset);
      }
      assert.ok((await queue.writer.sizeBytes()) < 0.1 * megabyte);
      assert.ok(Math.abs((await appendUntilFull()) - fitting) <= 1);
    }
    await queue.reopen();
    await assert.rejects(append(), isCoded("queue_full"));
    assert.ok((await stat(queue.path)).size <= 2.2 * megabyte);
  });

  it("refuses a group that is larger than all of it, and no smaller one after it", async () => {
    await using queue = await openSqliteQueue(1, megabyte);
    await assert.rejects(
      queue.writer.append([newRecord(0, patternBytes(2 * megabyte))]),
      isCoded("queue_full"),
    );
    await queue.writer.append([newRecord(0, patternBytes(1_000))]);
    assert.deepEqual(await queue.reader.bounds(0), { firstOffset: 0, nextOffset: 1 });
  });
});

describe("the SQLite queue's write-ahead log", () => {
  const walBytes = async (path: string) => (await stat(`${path}-wal`)).size;

  it("stays small under appends, reads and trims", async () => {
    await using queue = await openSqliteQueue(2);
    for (let i = 0; i < 300; i++) {
      await queue.writer.append(group);
      const read = await queue.reader.read(0, i, { clicksMax: 1, recordsMax: 1 });
      assert.equal(read.length, 1);
      if (i % 50 === 49) await queue.writer.trim(0, i);
      await new Promise(setImmediate);
    }
    assert.ok((await walBytes(queue.path)) < 4 * megabyte, `${await walBytes(queue.path)} bytes`);
  });

  it("grows while a reader holds it and shrinks when the reader lets go", async () => {
    await using queue = await openSqliteQueue(2);
    const append = async (groups: number) => {
      for (let i = 0; i < groups; i++) {
        await queue.writer.append(group);
        await new Promise(setImmediate);
      }
    };
    using holder = new DatabaseSync(queue.path, { readOnly: true });
    holder.exec("BEGIN; SELECT count(*) FROM records_0");
    await append(250);
    assert.ok((await walBytes(queue.path)) > 14 * megabyte);
    holder.exec("COMMIT");
    await append(50);
    assert.ok((await walBytes(queue.path)) <= 8 * megabyte, `${await walBytes(queue.path)} bytes`);
  });
});

describe("the SQLite queue on a failing disk", () => {
  it("says so, refuses everything after, and has lost nothing that was appended", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "queue.sqlite");
    // The limit on a file's size makes writes fail as a broken disk does.
    const program = join(import.meta.dirname, "../../support/append-until-failure.ts");
    const child = spawn(
      "sh",
      ["-c", `ulimit -f 3000 && exec "$@"`, "sh", process.execPath, program, path],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const [output] = await Promise.all([text(child.stdout), once(child, "exit")]);
    const { appended, codes } = JSON.parse(output) as { appended: number; codes: string[] };
    assert.deepEqual(codes, [
      "storage_failed",
      "storage_failed",
      "storage_failed",
      "storage_failed",
    ]);
    assert.ok(appended > 5, `only ${appended} groups were appended`);

    await using writer = await openSqliteQueueWriter({
      path,
      partitionCount: 1,
      maxBytes: 1 << 30,
    });
    await using reader = await openSqliteQueueReader({ path });
    assert.ok((await reader.bounds(0)).nextOffset >= appended);
    const records = await reader.read(0, 0, { clicksMax: 1e6, recordsMax: 1e6 });
    assert.ok(records.length >= appended);
    assert.equal((await writer.append([newRecord(0, patternBytes(10))])).length, 1);
  });
});

describe("the SQLite queue in a damaged file", () => {
  it("ends a trim that deletes nothing, and writes no more", async () => {
    await using queue = await openSqliteQueue(1, megabyte);
    await queue.writer.append([newRecord(0, patternBytes(10))]);
    {
      // Finds what it is asked for and deletes nothing, as a table does whose order is damaged.
      using other = new DatabaseSync(queue.path);
      other.exec(
        "CREATE TRIGGER damage BEFORE DELETE ON records_0 BEGIN SELECT RAISE(IGNORE); END",
      );
    }
    const damaged = isCoded("storage_failed", /could not trim: .*damaged at partition 0, offset 0/);
    await assert.rejects(queue.writer.trim(0, 1), damaged);
    await assert.rejects(queue.writer.append([newRecord(0, patternBytes(10))]), damaged);
  });
});
