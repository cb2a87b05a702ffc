/**
 * The port of the store: raw clicks, minute counts, ledger, restatement journal and progress.
 *
 * Every adapter keeps these promises (test/contract/click-store.contract.ts):
 * - a commit is seen whole or not at all, by every query and after every crash
 * - a commit whose fate is unknown can be given again with the same sequence: it is applied once
 * - every query sees one snapshot and says which (`asOf`)
 */

import type { AdAttributesChange, ClickIdentity } from "../model/log-record.ts";
import type {
  Close,
  Commit,
  DroppedDay,
  MinuteChanges,
  Operation,
  PartitionProgress,
  RestatementReason,
} from "../model/commit.ts";
import type { DayReceipt } from "../model/dropped-days.ts";
import type { Filter } from "../model/filter.ts";
import type { LayoutChange } from "../model/minute-layout.ts";
import type { OutcomeName } from "../model/outcome.ts";
import type { RecordedClick } from "../model/recorded-click.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";
import type { Visibility } from "./visibility.ts";
import type { ChangedCount, ChangesQuery, HistoryStart } from "./changes.ts";
import type { HoldersQuery, ValueHolder } from "../model/erasing.ts";
import type { RecomputationQuery, RestatedRowsQuery } from "./recomputation.ts";

export interface ClickStore extends AsyncDisposable, ClickStoreReader {
  /** What the pipeline starts from. */
  recover(): Promise<RecoveredState>;
  /**
   * Commits the first of these, and as many of those behind it as go through at one stroke with it; resolves with how many are
   * through. Their sequences follow one another.
   */
  commit(...commits: readonly [Commit, ...Commit[]]): Promise<number>;
  /**
   * Identities of the clicks of these event times (`[fromMs, toMs)`) that count for dedup: outcome counted,
   * restated, quarantined or voided. In any order, in chunks of at most some 100 k rows.
   */
  scanIdentities(fromMs: number, toMs: number): AsyncIterable<IdentityChunk>;
  /** For each probe, whether a click with that identity and event time's minute is recorded (as for scanIdentities). */
  findIdentities(probes: IdentityProbes): Promise<Uint8Array>;
  /** What the commit has added to minute rows of final buckets; it had no clicks of its own. */
  restatedRows(query: RestatedRowsQuery): Promise<MinuteChanges>;
  /**
   * The days before `beforeDay` (epoch days of event time) of which there are clicks of the partition, with the day of the
   * newest receipt: of those that had not expired, where all had, of these.
   */
  newestReceipts(partition: number, beforeDay: number): Promise<readonly DayReceipt[]>;
  /** Who has these values, in any order. */
  holders(query: HoldersQuery): Promise<readonly ValueHolder[]>;
  /**
   * Deletes clicks and counts of days that every partition with clicks of them has dropped, and all that hangs on them; the
   * ledger of long ago becomes one row a source, at minute 0. May be ended anywhere: nobody is told of what it deletes.
   */
  purge(): Promise<void>;
  /** Merges the minute deltas of buckets before `endMinute`, which are final, into one row a key. */
  compact(endMinute: number): Promise<void>;
  /** Makes the commits so far independent of the log; resolves with the progress that is now safe to trim to. */
  checkpoint(): Promise<PartitionProgress[]>;
  sizeBytes(): Promise<number>;
}

/** The part that queries and audits use. */
export interface ClickStoreReader {
  aggregate(query: AggregateQuery): Promise<AggregateResult>;
  /** The clicks of one ad one by one, of every outcome, also expired ones. */
  clicks(query: ClicksQuery): Promise<ClicksPage>;
  /**
   * Clicks with all that changing their outcome takes, by click_timestamp, then partition, offset and row. Never of a day
   * whose clicks the partition has dropped.
   */
  recordedClicks(query: RecordedClicksQuery): Promise<readonly RecordedClick[]>;
  /** Minute rows of `[fromMinute, toMinute)` in any order, chunked, for caches. */
  scanMinutes(
    fromMinute: number,
    toMinute: number,
    visibility?: Visibility,
  ): AsyncIterable<MinuteChunk>;
  /** The state that a query saw at this commit; undefined where it is not through. */
  snapshotAt(asOf: number): Promise<PastSnapshot | undefined>;
  /** Entries of the journal, by minute, ad (as UTF-8), revision and commit. */
  restatements(query: RestatementsQuery): Promise<RestatementsPage>;
  /**
   * Count (counted and restated) and revision of each of these ads' minutes, 0 where there is none; `partition`: by its rows
   * alone, see partOf.
   */
  bucketStates(
    buckets: readonly { minute: number; adKey: number }[],
    partition?: number,
  ): Promise<BucketState[]>;
  /** What minute rows lack of a recount from raw under this layout; undefined where more rows than may be differ. */
  recomputation(query: RecomputationQuery): Promise<MinuteChanges | undefined>;
  /** The last recompute or rollback that was applied, of a partition or of all; undefined where none was. */
  lastRecompute(partition?: number): Promise<RecordedOperation | undefined>;
  /** What the journal comes to, by bucket and ad (as UTF-8). */
  journalSums(query: JournalSumsQuery): Promise<readonly JournalSums[]>;
  /** The parts of an operation, by partition and offset; none where nobody asked for it. */
  operation(id: string): Promise<RecordedOperation[]>;
  /** Minute counts that changed, in the order of their places. */
  changes(query: ChangesQuery): Promise<readonly ChangedCount[]>;
  /** Of every opening that was committed to, and every commit that erases in minute rows; oldest first. */
  histories(): Promise<readonly HistoryStart[]>;
  /** In the order of their commits. */
  droppedDays(): Promise<readonly RecordedDroppedDay[]>;
  /** By minute of receipt, `[fromMinute, toMinute)`. */
  ledger(fromMinute: number, toMinute: number): Promise<LedgerRow[]>;
  /** Current attributes of an ad with the minute they hold from, undefined where it has none. */
  adAttributes(adId: string): Promise<AdAttributes | undefined>;
  /** Counts of the rows of one record by outcome, rows `[fromRow, toRow)`; undefined where it is not committed. */
  outcomesOf(
    partition: number,
    offset: number,
    fromRow: number,
    toRow: number,
  ): Promise<OutcomeCounts | undefined>;
  /**
   * Recounts minute rows of `[fromMinute, toMinute)` from raw and lists where they differ, up to `limit`. Days whose clicks
   * a partition has dropped are left out.
   */
  recount(fromMinute: number, toMinute: number, limit: number): Promise<RecountResult>;
  /** First and last epoch minute with clicks in the minute store or raw, but for expired ones; undefined where there is none. */
  extent(): Promise<{ firstMinute: number; lastMinute: number } | undefined>;
}

export interface RecordedClicksQuery {
  /** Of this partition's log; absent: of all. */
  readonly partition?: number;
  readonly outcomes: readonly OutcomeName[];
  /** These clicks; absent: any. */
  readonly identities?: readonly ClickIdentity[];
  /** Of these event minutes, `[fromMinute, toMinute)`, and of this ad; absent: of any. */
  readonly range?: { readonly fromMinute: number; readonly toMinute: number };
  readonly adId?: string;
  /** Only clicks after this one in their order. */
  readonly after?: ClickPlace;
  /** Those that this commit has changed; `outcomeBefore` is then what they were before it. */
  readonly changedBy?: number;
  readonly limit?: number;
}

export interface RecoveredState {
  /** Sequence of the last commit, 0 before the first. */
  readonly sequence: number;
  readonly progress: readonly PartitionProgress[];
  /** All values of each dictionary in the order of their keys (from 1). */
  readonly dictionaries: ReadonlyMap<string, readonly string[]>;
  /** Every configuration so far, oldest first. */
  readonly configs: readonly SemanticConfig[];
  /** In the order of their commits. */
  readonly closes: readonly RecordedClose[];
  /** In the order of their commits. */
  readonly layoutChanges: readonly RecordedLayoutChange[];
  readonly droppedDays: readonly RecordedDroppedDay[];
}

export interface RecordedDroppedDay extends DroppedDay {
  /** Sequence of the commit. */
  readonly asOf: number;
}

export interface RecordedLayoutChange extends LayoutChange {
  /** Sequence of the commit. */
  readonly asOf: number;
}

export interface RecordedClose extends Close {
  /** Sequence of the commit. */
  readonly asOf: number;
}

/**
 * Columns of equal length. Event ids as in EventIdColumn, with `eventIdTexts` by row where the kind is text; it may be empty
 * where none is.
 */
export interface IdentityChunk {
  readonly rowCount: number;
  readonly adKeys: Int32Array;
  readonly eventIdKinds: Uint8Array;
  readonly eventIdWords: Uint32Array;
  readonly eventIdTexts: readonly (string | null)[];
  readonly clickTimestamps: Float64Array;
}

export type IdentityProbes = IdentityChunk;

export interface BucketState {
  readonly count: number;
  /** How many entries the journal has of it: each partition counts those of its own from 1. */
  readonly revision: number;
}

export interface MinuteChunk {
  readonly rowCount: number;
  readonly minutes: Int32Array;
  readonly adKeys: Int32Array;
  readonly dimensionKeys: ReadonlyMap<string, Int32Array>;
  readonly counts: Int32Array;
}

export interface AggregateQuery {
  readonly source: "minute" | "raw";
  /** Epoch minutes, `[fromMinute, toMinute)`. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Absent: everything. */
  readonly visibility?: Visibility;
  readonly adId?: string;
  /** Fields: `ad_id`, a dimension that `source` has, `ad.` and an attribute. */
  readonly filter?: Filter;
  /** Fields as in `filter`. Rows with a missing value form a group of their own (null). */
  readonly groupBy: readonly string[];
  /**
   * Starts of the buckets to group by as well, ascending, the first = fromMinute; each reaches to the next,
   * the last to toMinute. Absent: one bucket.
   */
  readonly bucketStarts?: readonly number[];
  readonly order: "count" | "key";
  readonly limit: number;
  /** Only rows after this one in the order `key` (bucket, then groups; null first). */
  readonly after?: { readonly bucketStart: number; readonly group: readonly (string | null)[] };
}

export interface AggregateRow {
  /** Epoch minute; fromMinute where there are no bucketStarts. */
  readonly bucketStart: number;
  readonly group: readonly (string | null)[];
  readonly count: number;
}

export interface AggregateResult extends Snapshot {
  /**
   * Only groups with a count above 0. `count`: highest first, ties by group ascending, then by bucket; `key`: by bucket,
   * then group. Null comes first.
   */
  readonly rows: readonly AggregateRow[];
}

export interface ClicksQuery {
  /** Epoch minutes, `[fromMinute, toMinute)`. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Absent: everything. */
  readonly visibility?: Visibility;
  readonly adId: string;
  /** Fields: `ad_id`, a dimension, `ad.` and an attribute. */
  readonly filter?: Filter;
  /** The dimensions to tell of each click. */
  readonly dimensions: readonly string[];
  readonly limit: number;
  /** Only clicks after this one in their order. */
  readonly after?: ClickPlace;
}

/** Where a click stands in the order of clicks: by event time, then partition, offset and row. */
export interface ClickPlace {
  readonly clickTimestampMs: number;
  readonly partition: number;
  readonly offset: number;
  readonly row: number;
}

export interface StoredClick extends ClickPlace {
  readonly receivedAtMs: number;
  readonly source: string;
  readonly outcome: OutcomeName;
}

export interface ListedClick extends StoredClick {
  /** As the API shows it, see formatEventId. */
  readonly eventId: string;
  /** By the names asked for, null where missing. */
  readonly dimensions: Readonly<Record<string, string | null>>;
  /**
   * Of a duplicate: the click it repeats, which has the same ad and event id, was recorded before it and counts for
   * dedup (as for scanIdentities): the latest of the same event minute, else the latest. Null where it is no duplicate,
   * and where no such click is kept.
   */
  readonly original: StoredClick | null;
}

export interface ClicksPage extends Snapshot {
  readonly clicks: readonly ListedClick[];
  /** Of all clicks of the range that match, also those before and after the page. */
  readonly outcomes: OutcomeCounts;
}

/** The state a query saw. */
export interface Snapshot {
  /** Sequence of the last commit it saw. */
  readonly asOf: number;
  readonly progress: readonly PartitionProgress[];
  /** Up to then, in the order of their commits; see closed-periods.ts. */
  readonly closes: readonly RecordedClose[];
}

/**
 * The state as of an earlier commit. Of one long past the progress is that at which a partition's finality last rose: the
 * watermarks are lower than they were then, but the same minutes are final.
 */
export interface PastSnapshot extends Snapshot {
  /** Every configuration up to then, oldest first. */
  readonly configs: readonly SemanticConfig[];
  readonly layoutChanges: readonly RecordedLayoutChange[];
}

export interface RestatementsQuery {
  /** Epoch minutes of the buckets, `[fromMinute, toMinute)`. */
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly adId?: string;
  /** Only what this commit and those before it restated; absent: of all that are through. */
  readonly asOf?: number;
  /** Absent: everything. */
  readonly visibility?: Visibility;
  /** Only entries after this one. */
  readonly after?: RestatementPlace;
  readonly limit?: number;
}

export interface RestatementsPage {
  /** The query's, or the last commit whose restatements are in it. */
  readonly asOf: number;
  readonly rows: readonly RestatementRow[];
}

export interface JournalSumsQuery {
  /** Epoch minutes, `[fromMinute, toMinute)`. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** As in AggregateQuery. */
  readonly bucketStarts: readonly number[];
  readonly adId?: string;
  /** Of the commits up to this one. */
  readonly asOf: number;
  /** Absent: everything is seen. */
  readonly visibility?: Visibility;
  /** Only sums after this place. */
  readonly after?: { readonly bucketStart: number; readonly adId: string };
  readonly limit: number;
}

export interface JournalSums {
  readonly bucketStart: number;
  readonly adId: string;
  /** Of the entries that may be seen: the sum of the minutes' revisions. */
  readonly revision: number;
  /** Net clicks of the entries that may not. */
  readonly unseenClicks: number;
}

/** Where an entry stands in the journal's order. */
export type RestatementPlace = Pick<RestatementRow, "minute" | "adId" | "revision" | "asOf">;

export interface RestatementRow {
  readonly minute: number;
  readonly adId: string;
  readonly before: number;
  readonly after: number;
  readonly revision: number;
  readonly reason: RestatementReason;
  readonly receivedAtMs: number;
  readonly asOf: number;
}

export interface RecordedOperation extends Operation {
  /** Sequence of the commit. */
  readonly asOf: number;
}

export interface LedgerRow {
  readonly receivedMinute: number;
  readonly source: string;
  readonly received: number;
  readonly outcomes: Readonly<Record<OutcomeName, number>>;
}

export type OutcomeCounts = Readonly<Record<OutcomeName, number>>;

export interface AdAttributes extends AdAttributesChange {
  readonly attributes: Readonly<Record<string, string>>;
}

export interface RecountResult extends Snapshot {
  /** Minute rows (minute, ad, minute dimensions) that were compared. */
  readonly comparedRows: number;
  readonly comparedClicks: number;
  readonly differingRows: number;
  readonly differences: readonly RecountDifference[];
  /** Days (epoch days) of the range that could not be recounted, ascending. */
  readonly daysLeftOut: readonly number[];
}

export interface RecountDifference {
  readonly minute: number;
  /** Null where the minute row's key is in no dictionary. */
  readonly adId: string | null;
  readonly dimensions: Readonly<Record<string, string | null>>;
  readonly rawCount: number;
  readonly minuteCount: number;
}
