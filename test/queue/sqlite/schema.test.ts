import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openSqliteQueueReader } from "../../../src/queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../../../src/queue/sqlite/writer.ts";
import { isCoded, newRecord, patternBytes } from "../../support/queue-records.ts";
import { openSqliteQueue } from "../../support/sqlite-queue.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const maxBytes = 1 << 30;

describe("the file of the SQLite queue", () => {
  it("is refused with another partition count", async () => {
    await using queue = await openSqliteQueue(3);
    await queue.writer[Symbol.asyncDispose]();
    await assert.rejects(
      openSqliteQueueWriter({ path: queue.path, partitionCount: 4, maxBytes }),
      isCoded("invalid_configuration", /has 3 partitions, the configuration asks for 4/),
    );
    await queue.reopen();
    assert.equal(queue.writer.partitionCount, 3);
  });

  it("can't have a partition count that is none", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "queue.sqlite");
    for (const partitionCount of [0, -1, 1.5, 257, Number.NaN]) {
      await assert.rejects(
        openSqliteQueueWriter({ path, partitionCount, maxBytes }),
        isCoded("invalid_configuration"),
      );
    }
  });

  it("is refused and not touched where a newer release wrote it", async () => {
    await using queue = await openSqliteQueue(1);
    await queue.writer.append([newRecord(0, patternBytes(100))]);
    queue.damage("PRAGMA user_version = 2");
    await queue.reader[Symbol.asyncDispose]();
    await queue.writer[Symbol.asyncDispose]();
    const before = await readFile(queue.path);
    await assert.rejects(
      openSqliteQueueWriter({ path: queue.path, partitionCount: 1, maxBytes }),
      isCoded("data_format_newer", /has format 2, this release knows up to 1/),
    );
    await assert.rejects(openSqliteQueueReader({ path: queue.path }), isCoded("data_format_newer"));
    assert.deepEqual(await readFile(queue.path), before);
  });

  it("has one writer at a time", async () => {
    await using queue = await openSqliteQueue(1);
    const options = { path: queue.path, partitionCount: 1, maxBytes };
    await assert.rejects(
      openSqliteQueueWriter(options),
      isCoded("data_dir_locked", /already has a writer/),
    );
    await queue.writer.append([newRecord(0, patternBytes(10))]);
    await queue.writer[Symbol.asyncDispose]();
    await using next = await openSqliteQueueWriter(options);
    assert.deepEqual(await next.append([newRecord(0, patternBytes(10))]), [
      { partition: 0, offset: 1 },
    ]);
  });

  it("is refused where it is something else", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "queue.sqlite");
    await writeFile(path, "something else ".repeat(1_000));
    await assert.rejects(
      openSqliteQueueWriter({ path, partitionCount: 1, maxBytes }),
      isCoded("data_corrupt", /is not a click queue/),
    );
    await assert.rejects(openSqliteQueueReader({ path }), isCoded("data_corrupt"));
    await using queue = await openSqliteQueue(1);
    queue.damage("PRAGMA application_id = 7");
    await assert.rejects(openSqliteQueueReader({ path: queue.path }), isCoded("data_corrupt"));
  });

  it("is refused where its tables or its numbers are not ours", async () => {
    await using queue = await openSqliteQueue(1);
    await queue.writer[Symbol.asyncDispose]();
    queue.damage("UPDATE partitions SET first_offset = 9007199254740993");
    await assert.rejects(
      openSqliteQueueWriter({ path: queue.path, partitionCount: 1, maxBytes }),
      isCoded("data_corrupt", /queue\.sqlite is damaged/),
    );
    queue.damage("ALTER TABLE records_0 RENAME COLUMN click_count TO another");
    await assert.rejects(openSqliteQueueReader({ path: queue.path }), isCoded("data_corrupt"));
  });

  it("is made where a crash has left an empty one, and asked for where none is", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "queue.sqlite");
    await assert.rejects(openSqliteQueueReader({ path }), isCoded("not_ready"));
    await writeFile(path, "");
    await assert.rejects(openSqliteQueueReader({ path }), isCoded("not_ready"));
    await using writer = await openSqliteQueueWriter({ path, partitionCount: 2, maxBytes });
    await using reader = await openSqliteQueueReader({ path });
    assert.equal(reader.partitionCount, writer.partitionCount);
  });
});
