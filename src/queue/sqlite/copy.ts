/**
 * A copy of what a queue holds from given offsets on, while its writer goes on.
 *
 * Record by record rather than page by page: SQLite's online backup begins anew with every append of another connection
 * or, in one step, keeps the write-ahead log from being folded back for as long as it takes, and then appends are refused.
 * Records never change and their order is that of their offsets, so a snapshot is needed for some of them at a time only;
 * each is checked on the way, and room that was trimmed is left out.
 */

import { open as openFile } from "node:fs/promises";
import type { DatabaseSync } from "node:sqlite";
import { CodedError } from "../../model/errors.ts";
import type { PartitionBounds } from "../click-queue.ts";
import { corruptRecord, openFailure, readFailure } from "./failures.ts";
import type { RecordRow } from "./reader.ts";
import { checkRecord } from "./reader.ts";
import { countPartitions, openForReading, openForWriting, recordsTable } from "./schema.ts";
import { LogTails } from "./tails.ts";

export interface QueueCopyOptions {
  readonly from: string;
  /** A new file. */
  readonly to: string;
  /** By partition; 0 where it is absent. No record from there on may be trimmed meanwhile. */
  readonly firstOffsets: ReadonlyMap<number, number>;
  readonly signal: AbortSignal;
}

/** Copied at once, so that whoever shares the thread does not wait long. */
const chunkBytesMax = 2 << 20;
const chunkRecordsMax = 512;

/**
 * Copies every record that was appended when this was called, synced. Resolves with what the copy holds, by partition.
 * Rejects with `data_corrupt` where a record is damaged or missing.
 */
export async function copySqliteQueue(options: QueueCopyOptions): Promise<PartitionBounds[]> {
  const { from, to, firstOffsets, signal } = options;
  using source = openForReading(from);
  if (!source) throw new CodedError("not_ready", `there is no click queue at ${from}`);
  const partitionCount = countPartitions(source);
  // In one snapshot: a group that was appended to several partitions is copied whole or not at all.
  source.exec("BEGIN");
  const { nextOffsets } = LogTails.load(source, partitionCount);
  source.exec("COMMIT");
  const copied: PartitionBounds[] = [];
  {
    using target = openForWriting(to, partitionCount, () => {});
    // The file is synced as a whole in the end.
    target.exec("PRAGMA synchronous = OFF");
    for (const [partition, nextOffset] of nextOffsets.entries()) {
      const bounds = { firstOffset: firstOffsets.get(partition) ?? 0, nextOffset };
      await new PartitionCopy(source, target, partition, bounds).run(signal);
      copied.push(bounds);
    }
  }
  await using file = await openFile(to, "r+");
  await file.sync();
  return copied;
}

class PartitionCopy {
  private readonly source: DatabaseSync;
  private readonly target: DatabaseSync;
  private readonly partition: number;
  private readonly bounds: PartitionBounds;

  constructor(
    source: DatabaseSync,
    target: DatabaseSync,
    partition: number,
    bounds: PartitionBounds,
  ) {
    this.source = source;
    this.target = target;
    this.partition = partition;
    this.bounds = bounds;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { firstOffset, nextOffset } = this.bounds;
    this.begin();
    for (let offset = firstOffset; offset < nextOffset;) {
      signal.throwIfAborted();
      offset = this.copyFrom(offset);
      // Others have their turn.
      await new Promise(setImmediate);
    }
  }

  /** Where the log of the copy begins. */
  private begin(): void {
    const { source, target, partition } = this;
    const { firstOffset } = this.bounds;
    const table = recordsTable(partition);
    const before = source
      .prepare(
        `SELECT coalesce(
           (SELECT clicks_end - click_count FROM ${table} WHERE offset = ?),
           (SELECT clicks_end FROM ${table} WHERE offset = ?),
           (SELECT clicks_before FROM partitions WHERE partition = ?)) AS clicks`,
      )
      .get(firstOffset, firstOffset - 1, partition);
    target
      .prepare("UPDATE partitions SET first_offset = ?, clicks_before = ? WHERE partition = ?")
      .run(firstOffset, Number(before?.["clicks"]), partition);
  }

  /** Copies some records; where the next ones begin. */
  private copyFrom(fromOffset: number): number {
    const rows = this.read(fromOffset);
    const { target, partition } = this;
    const insert = target.prepare(
      `INSERT INTO ${recordsTable(partition)} VALUES (?, ?, ?, ?, ?, ?)`,
    );
    try {
      target.exec("BEGIN");
      for (const { offset, click_count, clicks_end, received_at_ms, crc, bytes } of rows)
        insert.run(offset, click_count, clicks_end, received_at_ms, crc, bytes);
      target.exec("COMMIT");
    } catch (error) {
      throw openFailure(error, "the copy of the click queue");
    }
    return fromOffset + rows.length;
  }

  private read(fromOffset: number): RecordRow[] {
    const { source, partition } = this;
    const rows: RecordRow[] = [];
    let bytes = 0;
    try {
      const statement = source.prepare(
        `SELECT * FROM ${recordsTable(partition)} WHERE offset >= ? AND offset < ? ORDER BY offset LIMIT ${chunkRecordsMax}`,
      );
      for (const value of statement.iterate(fromOffset, this.bounds.nextOffset)) {
        const row = value as unknown as RecordRow;
        checkRecord(partition, fromOffset + rows.length, row);
        rows.push(row);
        bytes += row.bytes.length;
        if (bytes >= chunkBytesMax) break;
      }
    } catch (error) {
      throw readFailure(error, partition, fromOffset);
    }
    if (rows.length === 0) throw corruptRecord(partition, fromOffset, "the record is missing");
    return rows;
  }
}
