import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import type { ClickQueueReader } from "../../../src/queue/click-queue.ts";
import { openSqliteQueueReader } from "../../../src/queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../../../src/queue/sqlite/writer.ts";
import { killedRecordBytes, readKilledRecord } from "../../support/killed-record.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const partitionCount = 2;
const cycles = 10;
const program = join(import.meta.dirname, "../../support/append-until-killed.ts");

/** What the killed processes told: how far each partition was appended, and was asked to be trimmed. */
interface Told {
  readonly ends: number[];
  readonly trims: number[];
}

/** Runs the appending process until it has told of so many groups, kills it and takes in all that it told. */
async function appendUntilKilled(path: string, groups: number, told: Told): Promise<void> {
  const child = spawn(process.execPath, [program, path, `${partitionCount}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let appended = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, ...numbers] = line.split(" ");
    if (what === "trim") told.trims[Number(numbers[0])] = Number(numbers[1]);
    if (what !== "appended") continue;
    for (let i = 0; i + 1 < numbers.length; i += 2) {
      told.ends[Number(numbers[i])] = Number(numbers[i + 1]) + 1;
    }
    if (++appended === groups) child.kill("SIGKILL");
  }
  assert.ok(appended >= groups, `the process ended by itself after ${appended} groups`);
}

/** Reads everything that is left; returns how many records of each group. */
async function checkPartition(
  reader: ClickQueueReader,
  partition: number,
  told: Told,
): Promise<Map<number, number>> {
  const { firstOffset, nextOffset } = await reader.bounds(partition);
  assert.ok(nextOffset >= told.ends[partition]!, `partition ${partition} ends at ${nextOffset}`);
  assert.ok(
    firstOffset <= told.trims[partition]!,
    `partition ${partition} begins at ${firstOffset}`,
  );
  const records = await reader.read(partition, firstOffset, { clicksMax: 1e6, recordsMax: 1e6 });
  assert.equal(records.length, nextOffset - firstOffset);
  const groups = new Map<number, number>();
  for (const { offset, bytes } of records) {
    const record = readKilledRecord(bytes);
    assert.deepEqual({ partition: record.partition, offset: record.offset }, { partition, offset });
    assert.deepEqual(bytes, killedRecordBytes(record));
    groups.set(record.group, (groups.get(record.group) ?? 0) + 1);
  }
  return groups;
}

/** Checks every partition, and that the newest group, which the kill may have met, is there whole. */
async function checkGroups(path: string, told: Told): Promise<void> {
  await using writer = await openSqliteQueueWriter({ path, partitionCount, maxBytes: 1 << 30 });
  await using reader = await openSqliteQueueReader({ path });
  assert.equal(writer.partitionCount, partitionCount);
  const counts = new Map<number, number>();
  let newest = { group: -1, recordCount: 0 };
  for (let partition = 0; partition < partitionCount; partition++) {
    const groups = await checkPartition(reader, partition, told);
    for (const [group, count] of groups) counts.set(group, (counts.get(group) ?? 0) + count);
    const { nextOffset } = await reader.bounds(partition);
    const [last] = await reader.read(partition, nextOffset - 1, { clicksMax: 1, recordsMax: 1 });
    const record = readKilledRecord(last!.bytes);
    if (record.group > newest.group) newest = record;
  }
  assert.equal(counts.get(newest.group), newest.recordCount, "the newest group is there in part");
}

describe("the SQLite queue under kill -9", () => {
  it(`has every record it told of, and no group in part, after each of ${cycles} kills`, async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "queue.sqlite");
    const told: Told = { ends: [0, 0], trims: [0, 0] };
    for (let cycle = 0; cycle < cycles; cycle++) {
      await appendUntilKilled(path, 20 + Math.floor(Math.random() * 150), told);
      await checkGroups(path, told);
    }
  });
});
