import type { DatabaseSync, StatementSync } from "node:sqlite";
import { lockFile } from "../../files/file-lock.ts";
import { SqliteCode, sqliteCodeOf } from "../../files/sqlite-code.ts";
import { CodedError } from "../../model/errors.ts";
import type { Position } from "../../model/log-record.ts";
import type { ClickQueueWriter, NewRecord } from "../click-queue.ts";
import { AckedEnds, checkAckedEnds } from "./acked-ends.ts";
import { recordChecksum } from "./checksum.ts";
import { openFailure, storageFailure } from "./failures.ts";
import { openForWriting, recordsTable } from "./schema.ts";
import { LogTails } from "./tails.ts";
import { PartitionTrimmer } from "./trim.ts";
import { WriteAheadLog } from "./write-ahead-log.ts";

export interface SqliteQueueWriterOptions {
  readonly path: string;
  /** Fixed when the file is made. */
  readonly partitionCount: number;
  /** Bytes of the file that are in use; the WAL comes on top, within a bound of its own. */
  readonly maxBytes: number;
}

/** What a record takes in the file beside its bytes, roughly. The budget is checked against true sizes before. */
const recordOverheadBytes = 64;
/** Pages of a group being appended; of a larger one SQLite writes some before the commit. */
const cacheBytesMax = 16 << 20;

/**
 * Opens the queue for its only writer, made where it is missing. Rejects with `data_dir_locked` where another
 * writer has it, `invalid_configuration` for another partition count, `data_format_newer`, `data_corrupt`, also where
 * the log ends before what was acknowledged.
 */
export async function openSqliteQueueWriter(
  options: SqliteQueueWriterOptions,
): Promise<ClickQueueWriter> {
  const { path, partitionCount } = options;
  const lock = lockQueue(path);
  try {
    const database = openForWriting(path, partitionCount, (existing) =>
      checkAckedEnds(path, LogTails.load(existing, partitionCount).nextOffsets),
    );
    try {
      return new SqliteQueueWriter(database, lock, options);
    } catch (error) {
      database.close();
      throw openFailure(error, path);
    }
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

function lockQueue(path: string): Disposable {
  let lock: Disposable | undefined;
  try {
    lock = lockFile(`${path}.lock`);
  } catch (error) {
    throw openFailure(error, path);
  }
  if (lock) return lock;
  throw new CodedError("data_dir_locked", `the click queue ${path} already has a writer`);
}

class SqliteQueueWriter implements ClickQueueWriter {
  readonly partitionCount: number;
  readonly spread = 1;
  private readonly database: DatabaseSync;
  private readonly lock: Disposable;
  private readonly path: string;
  private readonly maxBytes: number;
  private readonly pageBytes: number;
  private readonly wal: WriteAheadLog;
  private readonly begin: StatementSync;
  private readonly commit: StatementSync;
  private readonly pageCount: StatementSync;
  private readonly freePageCount: StatementSync;
  private readonly inserts: readonly StatementSync[];
  private readonly trimmers: readonly PartitionTrimmer[];
  private tails: LogTails;
  private readonly ackedEnds: AckedEnds;
  /** Why nothing is written any more. */
  private failure: CodedError | undefined;

  constructor(database: DatabaseSync, lock: Disposable, options: SqliteQueueWriterOptions) {
    this.database = database;
    this.lock = lock;
    this.path = options.path;
    this.maxBytes = options.maxBytes;
    this.partitionCount = options.partitionCount;
    database.exec(`PRAGMA cache_size = ${-cacheBytesMax / 1024}`);
    this.wal = new WriteAheadLog(database, (error) => this.fail(error, "can't be synced"));
    this.pageBytes = Number(database.prepare("PRAGMA page_size").get()?.["page_size"]);
    this.begin = database.prepare("BEGIN IMMEDIATE");
    this.commit = database.prepare("COMMIT");
    this.pageCount = database.prepare("PRAGMA page_count");
    this.freePageCount = database.prepare("PRAGMA freelist_count");
    const partitions = Array.from({ length: options.partitionCount }, (_, partition) => partition);
    this.inserts = partitions.map((partition) =>
      database.prepare(`INSERT INTO ${recordsTable(partition)} VALUES (?, ?, ?, ?, ?, ?)`),
    );
    this.trimmers = partitions.map((partition) => new PartitionTrimmer(database, partition));
    this.tails = LogTails.load(database, options.partitionCount);
    // Syncs what a killed process had written; only then may a note say that it is there.
    this.wal.foldBack();
    this.ackedEnds = new AckedEnds(options.path, this.tails.nextOffsets);
  }

  async append(records: readonly NewRecord[]): Promise<Position[]> {
    if (records.length === 0) return [];
    for (const { partition } of records) this.checkPartition(partition);
    const tails = this.tails.copy();
    const positions = this.inTransaction("could not append", () => {
      this.checkBudget(records);
      return records.map((record) => this.insert(record, tails));
    });
    this.tails = tails;
    this.ackedEnds.note(tails.nextOffsets);
    return positions;
  }

  async trim(partition: number, beforeOffset: number): Promise<void> {
    this.checkPartition(partition);
    if (beforeOffset > this.tails.nextOffsets[partition]!) {
      throw new RangeError(
        `partition ${partition} can't be trimmed to ${beforeOffset}, beyond its end`,
      );
    }
    const trimmer = this.trimmers[partition]!;
    while (this.inTransaction("could not trim", () => trimmer.trimChunk(beforeOffset))) {
      // Appends that have come meanwhile go first.
      await new Promise(setImmediate);
    }
  }

  async sizeBytes(): Promise<number> {
    this.checkUsable();
    return this.usedBytes();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.database.isOpen) return;
    this.failure ??= new CodedError("storage_failed", `the click queue ${this.path} is closed`);
    this.wal[Symbol.dispose]();
    try {
      this.database.close();
      this.ackedEnds[Symbol.dispose]();
    } finally {
      this.lock[Symbol.dispose]();
    }
  }

  private insert(record: NewRecord, tails: LogTails): Position {
    const { partition, bytes, clickCount, receivedAtMs } = record;
    const offset = tails.nextOffsets[partition]!++;
    const clicksEnd = (tails.clicks[partition]! += clickCount);
    const checksum = recordChecksum(partition, offset, clickCount, clicksEnd, receivedAtMs, bytes);
    this.inserts[partition]!.run(offset, clickCount, clicksEnd, receivedAtMs, checksum, bytes);
    return { partition, offset };
  }

  /** Free pages don't count: the next records go there. */
  private usedBytes(): number {
    const pages = Number(this.pageCount.get()?.["page_count"]);
    const freePages = Number(this.freePageCount.get()?.["freelist_count"]);
    return (pages - freePages) * this.pageBytes;
  }

  private checkBudget(records: readonly NewRecord[]): void {
    let newBytes = 0;
    for (const { bytes } of records) newBytes += bytes.length + recordOverheadBytes;
    const usedBytes = this.usedBytes();
    if (usedBytes + newBytes <= this.maxBytes) return;
    throw new CodedError(
      "queue_full",
      `the click queue holds ${usedBytes} of ${this.maxBytes} bytes: no room for ${newBytes} more`,
      { details: { usedBytes, newBytes, maxBytes: this.maxBytes } },
    );
  }

  private inTransaction<Result>(what: string, use: () => Result): Result {
    this.checkUsable();
    try {
      this.wal.ensureRoom();
      this.begin.run();
      const result = use();
      this.commit.run();
      this.wal.committed();
      return result;
    } catch (error) {
      throw this.undone(error, what);
    }
  }

  /**
   * What a failed transaction means. An error of the disk is final: whether its sync came through is unknown. So is
   * damage: what is written to a damaged file may not be found again.
   */
  private undone(error: unknown, what: string): unknown {
    const code = sqliteCodeOf(error);
    try {
      if (this.database.isTransaction) this.database.exec("ROLLBACK");
    } catch (rollbackError) {
      return this.fail(rollbackError, what);
    }
    const isDamage = error instanceof CodedError && error.code === "data_corrupt";
    if (code === undefined && !isDamage) return error;
    if (code !== SqliteCode.full) return this.fail(error, what);
    return new CodedError("queue_full", `the disk of the click queue ${this.path} is full`, {
      cause: error,
    });
  }

  private fail(error: unknown, what: string): CodedError {
    this.failure ??= storageFailure(error, `the click queue ${this.path} ${what}`);
    return this.failure;
  }

  private checkUsable(): void {
    if (this.failure) throw this.failure;
  }

  private checkPartition(partition: number): void {
    if (partition in this.inserts) return;
    throw new RangeError(`no partition ${partition} in a queue of ${this.partitionCount}`);
  }
}
