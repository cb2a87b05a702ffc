/**
 * The port of the durable, partitioned log that stands between ingest and aggregation.
 *
 * Every adapter keeps these promises (test/contract/click-queue.contract.ts):
 * - what `append` has resolved for survives kill -9 and power loss; what it rejected for is not in the log
 * - offsets of a partition rise by 1 without gaps, in the order of the log
 * - `read` returns exactly the bytes that were appended or throws `data_corrupt`; it never skips a record
 * - `trim` forgets a prefix of a partition; reading before `firstOffset` is an error, never a silent gap
 */

import type { Position } from "../model/log-record.ts";
import type { Partitioning } from "../model/partition.ts";

/** A record to append: its binary form (model/log-record-codec.ts) and what accounting needs to know of it. */
export interface NewRecord {
  readonly partition: number;
  readonly bytes: Uint8Array;
  /** Rows of a clicks record, 0 for all other kinds. */
  readonly clickCount: number;
  readonly receivedAtMs: number;
}

export interface StoredRecord {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly clickCount: number;
  /** Receipt by the queue's own clock, epoch ms, where it has one: the clocks of several writers differ. */
  readonly receivedAtMs?: number;
}

export interface PartitionBounds {
  /** The oldest offset that can still be read; equals nextOffset where nothing is left. */
  readonly firstOffset: number;
  /** The offset that the next append gets. */
  readonly nextOffset: number;
}

/** What lies behind an offset, for lag. */
export interface Backlog {
  readonly records: number;
  readonly clicks: number;
  /** Receipt of the oldest record in it, epoch ms; undefined where it is empty. */
  readonly oldestReceivedAtMs: number | undefined;
}

export interface ClickQueueWriter extends AsyncDisposable, Partitioning {
  /**
   * Appends all records durably and atomically; resolves after the sync with their positions, in order.
   * Rejects with `queue_full` where the disk budget or the disk is used up (nothing was appended), with `record_too_large`
   * where one of them is larger than the log takes, now and at any time, and with
   * `storage_failed` where the sync failed: then what is durable is unknown and the process must stop.
   */
  append(records: readonly NewRecord[]): Promise<Position[]>;
  /** Forgets the records of a partition before `beforeOffset`. Never beyond what the store's checkpoint covers. */
  trim(partition: number, beforeOffset: number): Promise<void>;
  /** Bytes on disk that the budget (`queue.max_bytes`) counts. */
  sizeBytes(): Promise<number>;
}

export interface ClickQueueReader extends AsyncDisposable, Partitioning {
  bounds(partition: number): Promise<PartitionBounds>;
  /** The nextOffset of every partition, whoever appends. */
  ends(): Promise<readonly number[]>;
  /**
   * The records from `fromOffset` on, in order, until either limit is met (the record that meets it is the last)
   * or an adapter's own bound on bytes; at least one where one is there, none at the end of the log. Rejects with
   * `data_corrupt` where the offset is not in the log or a record is damaged, and with `queue_unavailable` where the log is
   * out of reach for now: it may be read again afterwards.
   */
  read(partition: number, fromOffset: number, limits: ReadLimits): Promise<StoredRecord[]>;
  backlog(partition: number, fromOffset: number): Promise<Backlog>;
}

export interface ReadLimits {
  readonly clicksMax: number;
  readonly recordsMax: number;
}
