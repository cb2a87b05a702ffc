import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { AckedEnds, checkAckedEnds } from "../../../src/queue/sqlite/acked-ends.ts";
import { openSqliteQueueWriter } from "../../../src/queue/sqlite/writer.ts";
import { isCoded, newRecord, patternBytes } from "../../support/queue-records.ts";
import { openSqliteQueue } from "../../support/sqlite-queue.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const slotBytes = 4_096;
const ends = (...offsets: number[]) => Float64Array.from(offsets);

async function notedQueue(): Promise<AsyncDisposable & { path: string; acked: string }> {
  const directory = await temporaryDirectory();
  const path = `${directory.path}/queue.sqlite`;
  using noted = new AckedEnds(path, ends(0, 0));
  // The number of the last note is even: it stands in the first slot, the one before in the second.
  noted.note(ends(4, 8));
  noted.note(ends(5, 8));
  return {
    path,
    acked: `${path}.acked`,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

describe("the note of what was acknowledged", () => {
  it("refuses a log that ends before it, by partition and offset", async () => {
    await using queue = await notedQueue();
    checkAckedEnds(queue.path, ends(5, 8));
    checkAckedEnds(queue.path, ends(6, 9));
    assert.throws(
      () => checkAckedEnds(queue.path, ends(4, 8)),
      isCoded("data_corrupt", /ends at offset 4 of partition 0, .* offset 5 was acknowledged/),
    );
    assert.throws(
      () => checkAckedEnds(queue.path, ends(5, 7)),
      isCoded("data_corrupt", /ends at offset 7 of partition 1/),
    );
    assert.throws(
      () => checkAckedEnds(queue.path, ends(5)),
      isCoded("data_corrupt", /2 partitions, the click queue has 1/),
    );
  });

  it("is the one before where a crash has torn the last, and none where both are torn", async () => {
    await using queue = await notedQueue();
    const content = await readFile(queue.acked);
    for (let at = 0; at < 24 + 2 * 8; at++) {
      const torn = Buffer.from(content);
      torn[at]! ^= 1;
      await writeFile(queue.acked, torn);
      checkAckedEnds(queue.path, ends(4, 8));
      assert.throws(() => checkAckedEnds(queue.path, ends(3, 8)), isCoded("data_corrupt"));
      torn[slotBytes + at]! ^= 1;
      await writeFile(queue.acked, torn);
      checkAckedEnds(queue.path, ends(0, 0));
    }
    for (let length = 0; length < content.length; length++) {
      await writeFile(queue.acked, content.subarray(0, length));
      checkAckedEnds(queue.path, ends(5, 8));
    }
  });

  it("is refused where a newer release wrote it", async () => {
    await using queue = await notedQueue();
    const content = await readFile(queue.acked);
    for (const slot of [content, content.subarray(slotBytes)]) {
      slot.writeUInt32LE(2, 8);
      slot.writeUInt32LE(crc32(slot.subarray(8, 24 + 2 * 8)), 4);
    }
    await writeFile(queue.acked, content);
    assert.throws(
      () => checkAckedEnds(queue.path, ends(5, 8)),
      isCoded("data_format_newer", /has format 2, this release knows up to 1/),
    );
  });

  it("keeps a queue that is gone from being made anew", async () => {
    await using queue = await openSqliteQueue(1);
    await queue.writer.append([newRecord(0, patternBytes(100))]);
    await queue.reader[Symbol.asyncDispose]();
    await queue.writer[Symbol.asyncDispose]();
    await rm(queue.path);
    const options = { path: queue.path, partitionCount: 1, maxBytes: 1 << 30 };
    await assert.rejects(openSqliteQueueWriter(options), isCoded("data_corrupt", /offset 0 of/));
    assert.equal(existsSync(queue.path), false);
    // As the message says: whoever can do without what is missing takes the note away.
    await rm(`${queue.path}.acked`);
    await using writer = await openSqliteQueueWriter(options);
    assert.equal(writer.partitionCount, 1);
  });

  it("is none for a queue of a release that did not note it yet", async () => {
    await using queue = await openSqliteQueue(1);
    await queue.writer.append([newRecord(0, patternBytes(100))]);
    await queue.reader[Symbol.asyncDispose]();
    await queue.writer[Symbol.asyncDispose]();
    await rm(`${queue.path}.acked`);
    await queue.reopen();
    assert.deepEqual(await queue.writer.append([newRecord(0, patternBytes(100))]), [
      { partition: 0, offset: 1 },
    ]);
    checkAckedEnds(queue.path, ends(2));
    assert.throws(() => checkAckedEnds(queue.path, ends(1)), isCoded("data_corrupt"));
  });
});
