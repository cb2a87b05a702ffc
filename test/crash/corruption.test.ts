import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { StoredRecord } from "../../src/queue/click-queue.ts";
import { openSqliteQueueReader } from "../../src/queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../../src/queue/sqlite/writer.ts";
import { Random } from "../../src/traffic/random.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { patchedEnvironment } from "../support/source-patches.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { fingerprints } from "./fingerprints.ts";
import { reconcile } from "./reconcile.ts";
import { Sender } from "./sender.ts";

/** The store takes forever: what was acked is in the queue alone. */
const withoutCommits = patchedEnvironment([
  {
    file: "src/pipeline/committer.ts",
    find: '"commit", () => this.store.commit(first.commit, ...behind)',
    replace: '"commit", () => new Promise<number>(() => {})',
  },
]);

/** None but the service's own at its start: blocks damaged in the middle of a checkpoint are put back as they were. */
const withoutTimedCheckpoints = patchedEnvironment([
  {
    file: "src/engine/engine.ts",
    find: "checkpointMsMax: 30_000",
    replace: "checkpointMsMax: 3_600_000",
  },
]);

const flippedBit = 0x40;

/** Flips a bit of each of these bytes; flipping again mends them. */
async function flip(path: string, places: readonly number[]): Promise<void> {
  await using file = await open(path, "r+");
  const byte = new Uint8Array(1);
  for (const at of places) {
    await file.read(byte, 0, 1, at);
    byte[0]! ^= flippedBit;
    await file.write(byte, 0, 1, at);
  }
}

async function isRefused(dataDir: string, message: RegExp): Promise<void> {
  await using service = await ServiceProcess.launch({ dataDir });
  assert.deepEqual(await service.endedByItself(), { code: 3, signal: null });
  assert.match(service.stderr, message);
}

async function isReconciled(dataDir: string, sender: Sender): Promise<void> {
  await using service = await ServiceProcess.start({ dataDir });
  await sender.sendUnacked(service);
  await reconcile(service, sender);
}

describe("a damaged page of the queue", () => {
  it("stops the service by partition and offset, and counts nothing wrong; mended, everything is counted", async () => {
    await using directory = await temporaryDirectory();
    const dataDir = directory.path;
    const path = join(dataDir, "queue.sqlite");
    const sender = new Sender(new Random(1), 0);
    {
      await using service = await ServiceProcess.start({ dataDir, env: withoutCommits });
      await sender.sendClicks(service, 1_500);
      await service.kill();
    }
    await foldBack(path);
    const { offset, bytes } = await recordInOnePiece(path);

    await flipInRecord(path, bytes);
    const damaged = new RegExp(
      `the click queue is damaged at partition 0, offset ${offset}: the checksum does not match`,
    );
    await isRefused(dataDir, damaged);
    await isRefused(dataDir, damaged);
    // What was appended meanwhile may have taken the page along.
    await foldBack(path);
    await flipInRecord(path, withFlip(bytes));
    await isReconciled(dataDir, sender);
  });
});

/** Moves the records from the write-ahead log into the file. */
async function foldBack(path: string): Promise<void> {
  const options = { path, partitionCount: 1, maxBytes: 1 << 30 };
  await (await openSqliteQueueWriter(options))[Symbol.asyncDispose]();
}

/** A record of the later half of the log whose bytes are together: one that overflows its page is in pieces. */
async function recordInOnePiece(path: string): Promise<StoredRecord> {
  await using reader = await openSqliteQueueReader({ path });
  const records = await reader.read(0, 0, { clicksMax: 1e6, recordsMax: 1e6 });
  const content = await readFile(path);
  const found = records
    .slice(records.length >> 1)
    .find(({ bytes }) => bytes.length > 500 && content.indexOf(bytes) >= 0);
  return found ?? assert.fail("no record lies in one piece");
}

const placeInRecord = 300;

function withFlip(bytes: Uint8Array): Uint8Array {
  return bytes.with(placeInRecord, bytes[placeInRecord]! ^ flippedBit);
}

/** Wherever the file has these bytes: cells that were moved leave copies behind. */
async function flipInRecord(path: string, bytes: Uint8Array): Promise<void> {
  const content = await readFile(path);
  const places: number[] = [];
  for (let at = content.indexOf(bytes); at >= 0; at = content.indexOf(bytes, at + 1))
    places.push(at + placeInRecord);
  assert.ok(places.length > 0);
  await flip(path, places);
}

describe("a damaged store", () => {
  it("goes on from its last checkpoint where its log can't be replayed, and the queue makes up for the rest", async () => {
    await using directory = await temporaryDirectory();
    const dataDir = directory.path;
    const wal = join(dataDir, "store.duckdb.wal");
    const sender = new Sender(new Random(2), 0);
    for (const share of [0.2, 0.5, 0.9]) {
      {
        await using service = await ServiceProcess.start({ dataDir });
        await sender.sendUnacked(service);
        await sender.sendClicks(service, 1_500);
        await service.caughtUp();
        await service.kill();
      }
      const { size } = await stat(wal);
      await flip(wal, [Math.floor(size * share)]);
      await using service = await ServiceProcess.start({ dataDir });
      assert.match(service.stderr, /could not be replayed .* set aside as .*unreplayable-\d/);
      await sender.sendUnacked(service);
      await reconcile(service, sender);
    }
    assert.ok(existsSync(`${wal}.unreplayable-3`));
  });

  it("is refused with exit code 3 and left as it is where its file is damaged; mended, nothing is missing", async () => {
    await using directory = await temporaryDirectory();
    const dataDir = directory.path;
    const path = join(dataDir, "store.duckdb");
    const sender = new Sender(new Random(3), 0);
    {
      await using service = await ServiceProcess.start({ dataDir, env: withoutTimedCheckpoints });
      await sender.sendClicks(service, 1_500);
      // What is not in the store's file yet is in its log.
      await service.kill();
    }
    const { size } = await stat(path);
    // The three heads of the file, each with a checksum; and every block after them.
    const heads = [0, 1, 2].map((head) => head * 4_096 + 20);
    const blocks: number[] = [];
    for (let at = 3 * 4_096 + 3_000; at < size; at += 262_144) blocks.push(at);
    for (const places of [heads, blocks]) {
      await flip(path, places);
      const before = await fingerprints(dataDir, /^store/);
      await isRefused(dataDir, /store\.duckdb cannot be read: .* Restore a backup/s);
      assert.deepEqual(await fingerprints(dataDir, /^store/), before);
      await flip(path, places);
    }
    await isReconciled(dataDir, sender);
  });
});
