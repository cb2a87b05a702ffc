import assert from "node:assert/strict";
import { copyFile, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CodedError } from "../../src/model/errors.ts";
import type { NewRecord, StoredRecord } from "../../src/queue/click-queue.ts";
import { openSqliteQueueReader } from "../../src/queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../../src/queue/sqlite/writer.ts";
import { isCoded, newRecord, patternBytes } from "../support/queue-records.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const partitionCount = 2;
const maxBytes = 1 << 30;
const walHeadBytes = 32;
const frameHeadBytes = 24;
const pageBytes = 8_192;
const frameBytes = frameHeadBytes + pageBytes;

const groups: readonly (readonly NewRecord[])[] = [
  [newRecord(0, patternBytes(300)), newRecord(1, patternBytes(80), 0)],
  // Overflows to pages of its own.
  [newRecord(0, patternBytes(20_000), 70)],
  [newRecord(1, patternBytes(50))],
  [newRecord(0, patternBytes(120), 3)],
];

type Log = readonly (readonly StoredRecord[])[];

/** A queue as a crash leaves it: the files are those of a writer that was never closed. */
interface CrashedQueue extends AsyncDisposable {
  readonly path: string;
  /** Bytes of the write-ahead log before and after the last group. */
  readonly walBytesBefore: number;
  readonly wal: Buffer;
  /** What the log held before and after the last group. */
  readonly before: Log;
  readonly after: Log;
  /** Puts the acknowledgement of the last group back, or takes it away. */
  acknowledge(isAcked: boolean): Promise<void>;
  /** Puts the write-ahead log back. */
  mend(): Promise<void>;
}

async function crashedQueue(): Promise<CrashedQueue> {
  const directory = await temporaryDirectory();
  const live = join(directory.path, "live.sqlite");
  const path = join(directory.path, "queue.sqlite");
  await using writer = await openSqliteQueueWriter({ path: live, partitionCount, maxBytes });
  for (const group of groups.slice(0, -1)) await writer.append(group);
  const walBytesBefore = (await readFile(`${live}-wal`)).length;
  const before = await readAll(live);
  const ackedBefore = await readFile(`${live}.acked`);
  await writer.append(groups.at(-1)!);
  const after = await readAll(live);
  const ackedAfter = await readFile(`${live}.acked`);
  const wal = await readFile(`${live}-wal`);
  await copyFile(live, path);
  const queue: CrashedQueue = {
    path,
    walBytesBefore,
    wal,
    before,
    after,
    acknowledge: (isAcked) => writeFile(`${path}.acked`, isAcked ? ackedAfter : ackedBefore),
    mend: () => writeFile(`${path}-wal`, wal),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
  await queue.mend();
  await queue.acknowledge(true);
  return queue;
}

/** Everything in the log, as a process sees it that opens the files first after the crash. */
async function readAll(path: string): Promise<Log> {
  await using reader = await openSqliteQueueReader({ path });
  const partitions: StoredRecord[][] = [];
  for (let partition = 0; partition < reader.partitionCount; partition++) {
    const all = { clicksMax: 1e9, recordsMax: 1e6 };
    const records = await reader.read(partition, 0, all);
    const { nextOffset } = await reader.bounds(partition);
    assert.equal(records.length, nextOffset);
    partitions.push(records);
  }
  return partitions;
}

async function readAfterCrash(path: string): Promise<Log> {
  await rm(`${path}-shm`, { force: true });
  return await readAll(path);
}

function openAfterCrash(path: string): ReturnType<typeof openSqliteQueueWriter> {
  return openSqliteQueueWriter({ path, partitionCount, maxBytes });
}

const refusal = isCoded(
  "data_corrupt",
  /ends at offset \d+ of partition \d, but everything before offset \d+ was acknowledged/,
);

/** Changes a byte of a file for as long as `use` takes. */
async function withFlippedByte(file: FileHandle, at: number, use: () => Promise<void>) {
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, at);
  await file.write(
    byte.map((value) => value ^ 0x10),
    0,
    1,
    at,
  );
  await use();
  await file.write(byte, 0, 1, at);
}

describe("a torn write-ahead log of the queue", () => {
  it("opens as if the last group had never been appended, cut at every byte of it", async () => {
    await using queue = await crashedQueue();
    const { path, wal, walBytesBefore, before, after } = queue;
    assert.ok(wal.length - walBytesBefore >= frameBytes);
    assert.deepEqual(await readAfterCrash(path), after);
    for (let length = wal.length - 1; length >= walBytesBefore; length--) {
      await truncate(`${path}-wal`, length);
      assert.deepEqual(await readAfterCrash(path), before, `${length} bytes`);
    }
  });

  it("goes on after the last whole group where nobody had an ack of the torn one", async () => {
    await using queue = await crashedQueue();
    const { path, wal, walBytesBefore, before } = queue;
    for (const cut of [walBytesBefore, walBytesBefore + 7, wal.length - 4_000, wal.length - 1]) {
      await queue.mend();
      await queue.acknowledge(false);
      await truncate(`${path}-wal`, cut);
      await copyFile(path, `${path}.untouched`);
      {
        await using writer = await openAfterCrash(path);
        const last = await writer.append([newRecord(0, patternBytes(30))]);
        assert.deepEqual(last, [{ partition: 0, offset: before[0]!.length }]);
      }
      assert.deepEqual(await readAll(path), [
        [...before[0]!, { offset: before[0]!.length, bytes: patternBytes(30), clickCount: 1 }],
        before[1],
      ]);
      await copyFile(`${path}.untouched`, path);
    }
  });

  it("is refused and left as it is where the torn group was acknowledged", async () => {
    await using queue = await crashedQueue();
    const { path, wal, walBytesBefore } = queue;
    const main = await readFile(path);
    for (const cut of [0, walBytesBefore, wal.length - frameBytes, wal.length - 1]) {
      await queue.mend();
      await truncate(`${path}-wal`, cut);
      await assert.rejects(openAfterCrash(path), refusal);
      assert.deepEqual(await readFile(path), main);
      assert.deepEqual(await readFile(`${path}-wal`), wal.subarray(0, cut));
    }
    await rm(`${path}-wal`);
    await assert.rejects(openAfterCrash(path), refusal);
    await queue.mend();
    await using writer = await openAfterCrash(path);
    assert.deepEqual(await readAll(path), queue.after);
    assert.equal(writer.partitionCount, partitionCount);
  });
});

describe("a flipped bit of the queue", () => {
  it("is met in every byte of the last record's frame and of every frame's head", async () => {
    await using queue = await crashedQueue();
    const { path, wal, walBytesBefore, before } = queue;
    await using file = await open(`${path}-wal`, "r+");
    for (let at = 0; at < wal.length; at++) {
      const inFrame = (at - walHeadBytes) % frameBytes;
      const isLast = at >= walBytesBefore;
      // Of the other pages some bytes stand for the rest.
      if (at >= walHeadBytes && inFrame >= frameHeadBytes && !isLast && at % 61 !== 0) continue;
      await withFlippedByte(file, at, async () => {
        if (isLast) assert.deepEqual(await readAfterCrash(path), before, `byte ${at}`);
        if (isLast && at % 16 !== 0 && inFrame >= frameHeadBytes) return;
        await rm(`${path}-shm`, { force: true });
        await assert.rejects(openAfterCrash(path), refusal, `byte ${at}`);
      });
    }
    await rm(`${path}-shm`, { force: true });
    assert.deepEqual(await readAll(path), queue.after);
  });

  it("never changes what is read, wherever it is in the file: the same records, or an error with a code", async () => {
    await using queue = await crashedQueue();
    const { path } = queue;
    // Closing folds the write-ahead log into the file.
    await (await openAfterCrash(path))[Symbol.asyncDispose]();
    const { length } = await readFile(path);
    await using file = await open(path, "r+");
    let detected = 0;
    for (let at = 0; at < length; at++) {
      const inPage = at % pageBytes;
      // The head of a page and its newest cells byte by byte, of the rest a part.
      if (inPage >= 128 && inPage < pageBytes - 700 && at % 53 !== 0) continue;
      await withFlippedByte(file, at, async () => {
        try {
          const writer = await openAfterCrash(path);
          try {
            assert.deepEqual(await readAll(path), queue.after, `byte ${at}`);
          } finally {
            await writer[Symbol.asyncDispose]();
          }
        } catch (error) {
          if (!(error instanceof CodedError)) throw new Error(`byte ${at}`, { cause: error });
          detected++;
        }
      });
    }
    assert.ok(detected > 1_000, `only ${detected} flips were detected`);
    assert.deepEqual(await readAll(path), queue.after);
  });
});
