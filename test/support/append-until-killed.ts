/**
 * Appends groups of two to eight records to the queue at the path given and trims it now and then, for ever.
 * Tells on stdout, a line each: `appended PARTITION OFFSET …` when a group is, `trim PARTITION OFFSET` before a trim.
 * The bytes of a record tell its group, how many records that has, and where the record lies.
 */
import { openSqliteQueueReader } from "../../src/queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../../src/queue/sqlite/writer.ts";
import { killedRecordBytes } from "./killed-record.ts";
import { newRecord } from "./queue-records.ts";

const path = process.argv[2]!;
const partitionCount = Number(process.argv[3]);
const writer = await openSqliteQueueWriter({ path, partitionCount, maxBytes: 1 << 30 });
const reader = await openSqliteQueueReader({ path });
const nextOffsets: number[] = [];
for (let partition = 0; partition < partitionCount; partition++) {
  nextOffsets.push((await reader.bounds(partition)).nextOffset);
}

for (let turn = 1; ; turn++) {
  const group = nextOffsets.reduce((sum, offset) => sum + offset, 0);
  const recordCount = 2 + (turn % 7);
  const records = Array.from({ length: recordCount }, (_, i) => {
    const partition = (turn + i) % partitionCount;
    const offset = nextOffsets[partition]!++;
    return newRecord(partition, killedRecordBytes({ group, recordCount, partition, offset }));
  });
  const positions = await writer.append(records);
  const places = positions.map(({ partition, offset }) => `${partition} ${offset}`);
  process.stdout.write(`appended ${places.join(" ")}\n`);
  if (turn % 25 === 0) {
    const partition = (turn / 25) % partitionCount;
    const beforeOffset = Math.max(0, nextOffsets[partition]! - 40);
    process.stdout.write(`trim ${partition} ${beforeOffset}\n`);
    await writer.trim(partition, beforeOffset);
  }
}
