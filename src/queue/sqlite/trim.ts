import type { DatabaseSync, StatementSync } from "node:sqlite";
import { corruptRecord } from "./failures.ts";
import { recordsTable } from "./schema.ts";

/** One transaction of a trim deletes at most this much, so that an append never waits long behind it. */
const chunkBytesMax = 4 << 20;
const chunkRecordsMax = 1_024;

/** Deletes the oldest records of a partition, a chunk at a time. */
export class PartitionTrimmer {
  private readonly partition: number;
  private readonly oldest: StatementSync;
  private readonly remove: StatementSync;
  private readonly moveStart: StatementSync;

  constructor(database: DatabaseSync, partition: number) {
    this.partition = partition;
    const table = recordsTable(partition);
    this.oldest = database.prepare(
      `SELECT offset, clicks_end, length(bytes) AS size FROM ${table} WHERE offset < ? ORDER BY offset LIMIT ${chunkRecordsMax}`,
    );
    this.remove = database.prepare(`DELETE FROM ${table} WHERE offset <= ?`);
    this.moveStart = database.prepare(
      `UPDATE partitions SET first_offset = ?, clicks_before = ? WHERE partition = ${partition}`,
    );
  }

  /** Inside a transaction: deletes a chunk of the records before an offset. False where none is left. */
  trimChunk(beforeOffset: number): boolean {
    let last: { offset: number; clicksEnd: number } | undefined;
    let bytes = 0;
    for (const row of this.oldest.iterate(beforeOffset)) {
      last = { offset: Number(row["offset"]), clicksEnd: Number(row["clicks_end"]) };
      bytes += Number(row["size"]);
      if (bytes >= chunkBytesMax) break;
    }
    if (!last) return false;
    const { changes } = this.remove.run(last.offset);
    // A table whose order is damaged finds the same records again and again.
    if (changes === 0) throw corruptRecord(this.partition, last.offset, "it can't be deleted");
    this.moveStart.run(last.offset + 1, last.clicksEnd);
    return true;
  }
}
