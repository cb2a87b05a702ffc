/**
 * What one micro-batch changes: the aggregator's effects as the store takes them, all in one transaction.
 * Columnar like the clicks themselves. Keys are surrogate keys of the dictionaries (from 1; 0 = missing).
 */

import type { ClickBatch } from "./click-batch.ts";
import type { ErasedValues } from "./erasing.ts";
import type { AdAttributesChange } from "./log-record.ts";
import type { LayoutChange } from "./minute-layout.ts";
import type { OutcomeName } from "./outcome.ts";
import type { SemanticConfig } from "./semantic-config.ts";

export interface Commit {
  /** The as_of of the answers that see it; rises by 1 with every commit, from 1. */
  readonly sequence: number;
  /** Wall clock at the commit, epoch ms; for people, no answer depends on it. */
  readonly committedAtMs: number;
  readonly dictionaries: readonly DictionaryGrowth[];
  readonly clicks: readonly DecidedClicks[];
  /** Of its duplicates, those whose original has another minute, as far as the recent tier knows it. Not stored. */
  readonly duplicateConflicts: number;
  readonly minutes: MinuteDeltas;
  readonly ledger: readonly LedgerDelta[];
  readonly restatements: readonly Restatement[];
  readonly adAttributes: readonly AdAttributesChange[];
  /** Of clicks that earlier commits recorded. A commit that has any has no clicks of its own. */
  readonly outcomeChanges: readonly OutcomeChange[];
  readonly closes: readonly Close[];
  readonly layoutChanges: readonly LayoutChange[];
  /** What people have asked for and what came of it. */
  readonly operations: readonly Operation[];
  readonly droppedDays: readonly DroppedDay[];
  /** A commit that has any has no clicks of its own. */
  readonly erasures: readonly Erasure[];
  /** The configurations that began in this micro-batch. */
  readonly configs: readonly SemanticConfig[];
  readonly progress: PartitionProgress;
}

/** Name of the ads' dictionary; the others are named as their dimension. */
export const adDictionary = "ad_id";

/** New entries of one dictionary: `ad_id` or a minute dimension's name. Keys go on without gaps. */
export interface DictionaryGrowth {
  readonly dictionary: string;
  readonly firstKey: number;
  readonly values: readonly string[];
}

/** One clicks record of the log with what was decided about each row. */
export interface DecidedClicks {
  readonly partition: number;
  readonly offset: number;
  readonly receivedAtMs: number;
  readonly source: string;
  readonly batch: ClickBatch;
  /** Dictionary key of each row's ad. rowCount keys. */
  readonly adKeys: Int32Array;
  /** Dictionary keys of each row by minute dimension, 0 = missing. rowCount keys each. */
  readonly dimensionKeys: ReadonlyMap<string, Int32Array>;
  /** Outcome numbers. rowCount. */
  readonly outcomes: Uint8Array;
}

/**
 * Rows to add to the minute store. Several rows may have the same key. A row with `restated` 1 adds to a
 * bucket that was final (kept apart so that the number as it stood before can be told).
 */
export interface MinuteDeltas {
  readonly rowCount: number;
  /** Epoch minutes. */
  readonly minutes: Int32Array;
  readonly adKeys: Int32Array;
  readonly dimensionKeys: ReadonlyMap<string, Int32Array>;
  readonly counts: Int32Array;
  readonly restated: Uint8Array;
}

/** By how much the minute rows of these keys are to change. Several rows may have the same key. */
export interface MinuteChanges {
  readonly rowCount: number;
  /** Epoch minutes. */
  readonly minutes: Int32Array;
  readonly adKeys: Int32Array;
  readonly dimensionKeys: ReadonlyMap<string, Int32Array>;
  /** Values that no key has been given to yet, by row; the row's key is 0. */
  readonly dimensionTexts: ReadonlyMap<string, readonly (string | null)[]>;
  readonly changes: Int32Array;
}

/** Clicks of one source and minute of receipt, by outcome; absent = 0. */
export interface LedgerDelta {
  readonly source: string;
  readonly receivedMinute: number;
  /**
   * What the records say they hold, whatever became of it: the ledger balances where the outcomes add up to it. A click
   * whose outcome is changed moves from one to another (-1, +1) in the minute in which it was received.
   */
  readonly received: number;
  readonly outcomes: Readonly<Partial<Record<OutcomeName, number>>>;
}

/** A change of a final bucket's count of one ad by one record of the log. */
export interface Restatement {
  readonly minute: number;
  readonly adKey: number;
  readonly before: number;
  readonly after: number;
  /** The ad's bucket's revision after the change, from 1: of the entries of its partition, see partOf. */
  readonly revision: number;
  readonly reason: RestatementReason;
  readonly partition: number;
  readonly offset: number;
  /** Receipt of the record that changed it, epoch ms. */
  readonly receivedAtMs: number;
}

export const restatementReasons = [
  "late",
  "import",
  "void",
  "unvoid",
  "release",
  "recompute",
  "rollback",
] as const;
export type RestatementReason = (typeof restatementReasons)[number];

/** A click that was recorded before and is counted, or kept from the counts, from now on. */
export interface OutcomeChange {
  /** Where the click stands in the log. */
  readonly partition: number;
  readonly offset: number;
  readonly row: number;
  /** Epoch ms. */
  readonly clickTimestampMs: number;
  readonly adKey: number;
  readonly before: OutcomeName;
  readonly after: OutcomeName;
}

/** A partition has sealed the minutes before `throughMinute`. */
export interface Close {
  readonly id: string;
  readonly throughMinute: number;
  readonly tz: string;
  readonly partition: number;
  readonly receivedAtMs: number;
}

/**
 * A partition keeps a day of event time no more: its clicks (`raw`) or, later, its counts too (`minute`). From here on its
 * clicks for the day are expired and nobody is told of what is gone, whenever it is deleted.
 */
export interface DroppedDay {
  readonly partition: number;
  /** Epoch day, UTC. */
  readonly day: number;
  readonly what: "raw" | "minute";
  /** Epoch day of the newest receipt among the day's clicks. */
  readonly receivedDay: number;
}

/**
 * Clicks and minute rows of these ads lose a field where it has one of these values, whichever commit brought them: what is
 * told of the past lacks it too.
 */
export interface Erasure extends ErasedValues {
  readonly adKeys: readonly number[];
  /** Whether minute rows of them have such a value. */
  readonly inMinutes: boolean;
  /** Of the rows of this partition alone, see partOf; absent: of everybody's. */
  readonly partition?: number;
}

/** Whether counts of earlier commits have other dimensions from here on. */
export function movesCounts({ erasures }: Pick<Commit, "erasures">): boolean {
  return erasures.some(({ inMinutes }) => inMinutes);
}

/** One control record, or one partition's part of it. */
export interface Operation {
  /** Those of one request have the same. */
  readonly id: string;
  readonly type: OperationType;
  readonly reason: string;
  readonly partition: number;
  readonly offset: number;
  readonly receivedAtMs: number;
  /** Numbers of clicks (or what the operation is about) by what became of them. */
  readonly result: Readonly<Record<string, number>>;
}

export type OperationType =
  | "void"
  | "unvoid"
  | "release"
  | "close"
  | "recompute"
  | "rollback"
  | "erase";

export interface PartitionProgress {
  readonly partition: number;
  /** The first offset not yet applied. */
  readonly nextOffset: number;
  /** See aggregate/watermark.ts; epoch ms, -Infinity where no click or tick has come. */
  readonly watermarkMs: number;
}
