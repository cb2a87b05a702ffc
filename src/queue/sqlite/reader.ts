import type { DatabaseSync, StatementSync } from "node:sqlite";
import { CodedError } from "../../model/errors.ts";
import type {
  Backlog,
  ClickQueueReader,
  PartitionBounds,
  ReadLimits,
  StoredRecord,
} from "../click-queue.ts";
import { recordChecksum } from "./checksum.ts";
import { corruptRecord, openFailure, readFailure } from "./failures.ts";
import { countPartitions, openForReading, recordsTable } from "./schema.ts";

/** One read returns at most this much beyond its first record, whatever its other limits allow. */
const readBytesMax = 16 << 20;

/**
 * Opens the queue that a writer has made. Belongs in the thread that reads: a snapshot is never held longer
 * than a call takes, so a reader does not keep the writer's WAL from being folded back.
 */
export async function openSqliteQueueReader(options: {
  readonly path: string;
}): Promise<ClickQueueReader> {
  const database = openForReading(options.path);
  if (!database) throw new CodedError("not_ready", `there is no click queue at ${options.path}`);
  try {
    return new SqliteQueueReader(database);
  } catch (error) {
    database.close();
    throw openFailure(error, options.path);
  }
}

export interface RecordRow {
  readonly offset: number;
  readonly click_count: number;
  readonly clicks_end: number;
  readonly received_at_ms: number;
  readonly crc: number;
  readonly bytes: Uint8Array;
}

/** A record's place in the sum of clicks. */
type MarkRow = Pick<RecordRow, "offset" | "click_count" | "clicks_end" | "received_at_ms">;

interface PartitionStatements {
  readonly start: StatementSync;
  readonly last: StatementSync;
  readonly from: StatementSync;
  readonly records: StatementSync;
}

class SqliteQueueReader implements ClickQueueReader {
  readonly partitionCount: number;
  readonly spread = 1;
  private readonly database: DatabaseSync;
  private readonly statements: readonly PartitionStatements[];

  constructor(database: DatabaseSync) {
    this.database = database;
    this.partitionCount = countPartitions(database);
    this.statements = Array.from({ length: this.partitionCount }, (_, partition) => {
      const table = recordsTable(partition);
      const mark = `SELECT offset, click_count, clicks_end, received_at_ms FROM ${table}`;
      return {
        start: database.prepare(
          `SELECT first_offset, clicks_before FROM partitions WHERE partition = ${partition}`,
        ),
        last: database.prepare(`${mark} ORDER BY offset DESC LIMIT 1`),
        from: database.prepare(`${mark} WHERE offset >= ? ORDER BY offset LIMIT 1`),
        records: database.prepare(
          `SELECT * FROM ${table} WHERE offset >= ? ORDER BY offset LIMIT ?`,
        ),
      };
    });
  }

  async bounds(partition: number): Promise<PartitionBounds> {
    return this.inSnapshot(partition, 0, (statements) => boundsOf(statements));
  }

  async ends(): Promise<readonly number[]> {
    return this.statements.map(
      (_, partition) =>
        this.inSnapshot(partition, 0, (statements) => boundsOf(statements)).nextOffset,
    );
  }

  async read(partition: number, fromOffset: number, limits: ReadLimits): Promise<StoredRecord[]> {
    const rows = this.inSnapshot(partition, fromOffset, (statements) => {
      const { firstOffset, nextOffset } = boundsOf(statements);
      if (fromOffset < firstOffset || fromOffset > nextOffset) {
        throw corruptRecord(
          partition,
          fromOffset,
          `the log holds offsets ${firstOffset} up to ${nextOffset}`,
        );
      }
      return fromOffset === nextOffset ? [] : readRows(statements.records, fromOffset, limits);
    });
    // Checked after the snapshot is given back.
    return rows.map((row, index) => checkRecord(partition, fromOffset + index, row));
  }

  async backlog(partition: number, fromOffset: number): Promise<Backlog> {
    return this.inSnapshot(partition, fromOffset, (statements) => {
      const last = statements.last.get() as MarkRow | undefined;
      const oldest = statements.from.get(fromOffset) as MarkRow | undefined;
      if (!last || !oldest) return { records: 0, clicks: 0, oldestReceivedAtMs: undefined };
      return {
        records: last.offset + 1 - oldest.offset,
        clicks: last.clicks_end - oldest.clicks_end + oldest.click_count,
        oldestReceivedAtMs: oldest.received_at_ms,
      };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.database.isOpen) this.database.close();
  }

  /** Runs `use` on one state of the file. Errors name the partition and `offset`. */
  private inSnapshot<Result>(
    partition: number,
    offset: number,
    use: (statements: PartitionStatements) => Result,
  ): Result {
    const statements = this.statements[partition];
    if (!statements)
      throw new RangeError(`no partition ${partition} in a queue of ${this.partitionCount}`);
    try {
      this.database.exec("BEGIN");
      try {
        return use(statements);
      } finally {
        if (this.database.isTransaction) this.database.exec("COMMIT");
      }
    } catch (error) {
      throw readFailure(error, partition, offset);
    }
  }
}

function boundsOf(statements: PartitionStatements): PartitionBounds {
  const firstOffset = Number(statements.start.get()?.["first_offset"]);
  const last = statements.last.get() as MarkRow | undefined;
  return { firstOffset, nextOffset: last ? last.offset + 1 : firstOffset };
}

function readRows(statement: StatementSync, fromOffset: number, limits: ReadLimits): RecordRow[] {
  const rows: RecordRow[] = [];
  let clicks = 0;
  let bytes = 0;
  for (const value of statement.iterate(fromOffset, Math.max(1, limits.recordsMax))) {
    const row = value as unknown as RecordRow;
    rows.push(row);
    clicks += row.click_count;
    bytes += row.bytes.length;
    if (clicks >= limits.clicksMax || bytes >= readBytesMax) break;
  }
  return rows;
}

/** Throws `data_corrupt` where it is not what was appended at that offset. */
export function checkRecord(partition: number, offset: number, row: RecordRow): StoredRecord {
  if (row.offset !== offset)
    throw corruptRecord(partition, offset, `the record is missing, ${row.offset} follows`);
  const { click_count: clickCount, bytes } = row;
  if (!(bytes instanceof Uint8Array)) throw corruptRecord(partition, offset, "it holds no bytes");
  if (
    recordChecksum(partition, offset, clickCount, row.clicks_end, row.received_at_ms, bytes) !==
    row.crc
  ) {
    throw corruptRecord(partition, offset, "the checksum does not match");
  }
  return { offset, bytes, clickCount };
}
