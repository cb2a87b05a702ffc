import type { LogRecord } from "../../src/model/log-record.ts";
import { decodeLogRecord } from "../../src/model/log-record-codec.ts";
import { openSqliteQueueReader } from "../../src/queue/sqlite/reader.ts";

/** The whole log of a partition, of a service that is stopped and has not trimmed it. */
export async function readLog(queuePath: string, partition = 0): Promise<LogRecord[]> {
  await using queue = await openSqliteQueueReader({ path: queuePath });
  const { firstOffset, nextOffset } = await queue.bounds(partition);
  if (firstOffset !== 0) throw new Error(`the log was trimmed to ${firstOffset}`);
  const records: LogRecord[] = [];
  while (records.length < nextOffset) {
    const stored = await queue.read(partition, records.length, {
      clicksMax: 1_000_000,
      recordsMax: 1_000,
    });
    records.push(...stored.map(({ bytes }) => decodeLogRecord(bytes)));
  }
  return records;
}
