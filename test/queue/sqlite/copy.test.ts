import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { copySqliteQueue } from "../../../src/queue/sqlite/copy.ts";
import { openSqliteQueueReader } from "../../../src/queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../../../src/queue/sqlite/writer.ts";
import type { NewRecord } from "../../../src/queue/click-queue.ts";
import { openSqliteQueue } from "../../support/sqlite-queue.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const all = { clicksMax: 1e9, recordsMax: 1e9 };
const { signal } = new AbortController();

function record(partition: number, text: string, size = 40): NewRecord {
  const bytes = Buffer.alloc(size, text);
  return { partition, bytes, clickCount: 3, receivedAtMs: 1_000 };
}

describe("a copy of the queue", () => {
  it("holds every record from the given offsets on and none before, and can be gone on with", async () => {
    await using queue = await openSqliteQueue(2);
    await using directory = await temporaryDirectory();
    const to = join(directory.path, "queue.sqlite");
    for (let i = 0; i < 900; i++)
      await queue.writer.append([record(0, `a${i}`), record(1, `b${i}`, i === 7 ? 3e6 : 40)]);
    await queue.writer.trim(0, 500);
    const copied = await copySqliteQueue({
      from: queue.path,
      to,
      firstOffsets: new Map([[0, 650]]),
      signal,
    });
    assert.deepEqual(copied, [
      { firstOffset: 650, nextOffset: 900 },
      { firstOffset: 0, nextOffset: 900 },
    ]);
    await using writer = await openSqliteQueueWriter({
      path: to,
      partitionCount: 2,
      maxBytes: 1e9,
    });
    await using reader = await openSqliteQueueReader({ path: to });
    for (const [partition, firstOffset] of [650, 0].entries()) {
      assert.deepEqual(await reader.bounds(partition), { firstOffset, nextOffset: 900 });
      for (let offset = firstOffset; offset < 900; offset += 50) {
        assert.deepEqual(
          await reader.read(partition, offset, { ...all, recordsMax: 1 }),
          await queue.reader.read(partition, offset, { ...all, recordsMax: 1 }),
        );
        assert.deepEqual(
          await reader.backlog(partition, offset),
          await queue.reader.backlog(partition, offset),
        );
      }
    }
    assert.deepEqual(await writer.append([record(0, "next")]), [{ partition: 0, offset: 900 }]);
    assert.equal((await reader.backlog(0, 650)).clicks, 251 * 3);
  });

  it("of a queue of which all is covered begins at its end", async () => {
    await using queue = await openSqliteQueue(1);
    await using directory = await temporaryDirectory();
    await queue.writer.append([record(0, "a"), record(0, "b")]);
    for (const name of ["untrimmed", "trimmed"]) {
      const to = join(directory.path, name);
      await copySqliteQueue({ from: queue.path, to, firstOffsets: new Map([[0, 2]]), signal });
      await using writer = await openSqliteQueueWriter({
        path: to,
        partitionCount: 1,
        maxBytes: 1e9,
      });
      await using reader = await openSqliteQueueReader({ path: to });
      assert.deepEqual(await reader.bounds(0), { firstOffset: 2, nextOffset: 2 });
      await writer.append([record(0, "c")]);
      assert.equal((await reader.backlog(0, 2)).clicks, 3);
      await queue.writer.trim(0, 2);
    }
  });

  it("has what was appended when it began, and appends and trims before it go on meanwhile", async () => {
    await using queue = await openSqliteQueue(1);
    await using directory = await temporaryDirectory();
    for (let i = 0; i < 40; i++) await queue.writer.append([record(0, `r${i}`, 500_000)]);
    const state = { isDone: false };
    const copying = copySqliteQueue({
      from: queue.path,
      to: join(directory.path, "copy"),
      firstOffsets: new Map([[0, 10]]),
      signal,
    }).finally(() => (state.isDone = true));
    let appended = 0;
    while (!state.isDone) {
      await queue.writer.append([record(0, "more", 400_000)]);
      if (appended < 10) await queue.writer.trim(0, appended);
      appended++;
      await new Promise(setImmediate);
    }
    assert.deepEqual(await copying, [{ firstOffset: 10, nextOffset: 40 }]);
    assert.ok(appended > 3, `${appended} were appended meanwhile`);
  });

  it("is refused where a record is damaged or was trimmed", async () => {
    await using queue = await openSqliteQueue(1);
    await using directory = await temporaryDirectory();
    for (let i = 0; i < 10; i++) await queue.writer.append([record(0, `r${i}`)]);
    await queue.writer.trim(0, 3);
    const copy = (first: number, name: string) =>
      copySqliteQueue({
        from: queue.path,
        to: join(directory.path, name),
        firstOffsets: new Map([[0, first]]),
        signal,
      });
    await assert.rejects(copy(2, "trimmed"), { code: "data_corrupt" });
    queue.damage("UPDATE records_0 SET click_count = 4 WHERE offset = 7");
    await assert.rejects(copy(3, "damaged"), (error: Error) => /offset 7/.test(error.message));
    await copy(8, "behind");
  });
});
