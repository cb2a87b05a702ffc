import type { DatabaseSync } from "node:sqlite";
import { recordsTable } from "./schema.ts";

/** Where each partition's log ends. Kept in memory by its only writer. */
export class LogTails {
  readonly nextOffsets: Float64Array;
  /** Clicks in all records of the partition, since ever. */
  readonly clicks: Float64Array;

  constructor(nextOffsets: Float64Array, clicks: Float64Array) {
    this.nextOffsets = nextOffsets;
    this.clicks = clicks;
  }

  /** Of a queue that is still to be made: nothing is in it. */
  static load(database: DatabaseSync | undefined, partitionCount: number): LogTails {
    const tails = new LogTails(new Float64Array(partitionCount), new Float64Array(partitionCount));
    if (!database) return tails;
    const starts = database
      .prepare("SELECT partition, first_offset, clicks_before FROM partitions")
      .all();
    for (const start of starts) {
      const partition = Number(start["partition"]);
      const last = database
        .prepare(
          `SELECT offset, clicks_end FROM ${recordsTable(partition)} ORDER BY offset DESC LIMIT 1`,
        )
        .get();
      tails.nextOffsets[partition] = last
        ? Number(last["offset"]) + 1
        : Number(start["first_offset"]);
      tails.clicks[partition] = Number(last ? last["clicks_end"] : start["clicks_before"]);
    }
    return tails;
  }

  copy(): LogTails {
    return new LogTails(this.nextOffsets.slice(), this.clicks.slice());
  }
}
