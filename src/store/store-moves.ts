/**
 * How all that a store holds moves into another one: read as it is kept, commit by commit, so that what was told as of a
 * commit is told by the other one too. Nothing may be committed meanwhile.
 *
 * Rows name the sequence of their commit; 0 where that is not kept, since nothing is told by it.
 */

import type {
  ClickStoreReader,
  RecordedClose,
  RecordedDroppedDay,
  RecordedLayoutChange,
  RecoveredState,
} from "./click-store.ts";

/** Days of event time (epoch days) that move together, both inclusive. */
export interface DaySpan {
  readonly firstDay: number;
  readonly lastDay: number;
  /** Of all kinds. */
  readonly rowCount: number;
}

/** Clicks of every outcome, in columns of `rowCount`, with the outcome that was decided when they came. */
export interface MovedClicks {
  readonly rowCount: number;
  readonly sequences: Float64Array;
  readonly offsets: Float64Array;
  /** Of the record. */
  readonly rows: Float64Array;
  readonly receivedAtMs: Float64Array;
  readonly sources: readonly string[];
  readonly clickTimestamps: Float64Array;
  readonly adIds: readonly string[];
  readonly eventIdKinds: Uint8Array;
  /** Four a row, zeros where the kind is text. */
  readonly eventIdWords: Uint32Array;
  /** Empty where the kind is another. */
  readonly eventIdTexts: readonly string[];
  readonly outcomes: Uint8Array;
  /** Addresses as formatIp has them. */
  readonly dimensions: ReadonlyMap<string, readonly (string | null)[]>;
}

/** What the commits added to minute counts; several rows may have one key. */
export interface MovedMinutes {
  readonly rowCount: number;
  readonly sequences: Float64Array;
  readonly minutes: Int32Array;
  readonly adIds: readonly string[];
  readonly counts: Int32Array;
  readonly restated: Uint8Array;
  readonly dimensions: ReadonlyMap<string, readonly (string | null)[]>;
}

/** The small tables, each with the sequence first, then: */
export const movedColumns = {
  /** Those of one dictionary in the order of its keys. */
  dictionary: ["dictionary", "value", "ordinal"],
  /** Then the numbers by outcome. */
  ledger: ["received_minute", "source", "received"],
  operation: ["partition", "id", "type", "reason", "log_offset", "received_at", "result"],
  ad_attribute: ["ad_id", "name", "value", "valid_from_minute", "ordinal"],
  config: ["generation", "settings"],
  history: ["id", "starts_over"],
  /** How far a partition had come. */
  commit_log: ["partition", "committed_at", "watermark"],
} as const;

/** Those of a day, likewise. */
export const movedDayColumns = {
  restatement: [
    "minute",
    "ad_id",
    "count_before",
    "count_after",
    "revision",
    "reason",
    "log_offset",
    "received_at",
  ],
  /** Of the click that stands at this place of its ad's partition. */
  outcome_change: ["log_offset", "row", "minute", "ad_id", "outcome_before", "outcome_after"],
} as const;

export type MovedTable = keyof typeof movedColumns;
export type MovedDayTable = keyof typeof movedDayColumns;
export type MovedRow = readonly (number | string | null)[];
export type MovedRows = AsyncIterable<readonly MovedRow[]>;
/** Those that are kept as they are. */
export type WholeTable = Exclude<MovedTable, "commit_log">;

/** The dimensions that rows may have. */
export interface MovedDimensions {
  readonly click: readonly string[];
  readonly minute: readonly string[];
  /** Of those of clicks: whose values are addresses. */
  readonly addresses: readonly string[];
}

/**
 * Of the clicks of some days, by outcome: how many, then sums over what each has, as decimal digits. Two stores that hold the
 * same clicks tell the same.
 */
export type ClickTally = ReadonlyMap<number, readonly string[]>;

export interface MovableStore {
  moves(): MoveSource;
}

export interface MoveSource {
  readonly dimensions: MovedDimensions;
  /** All days of which anything is kept and told, ascending; the same ones as long as nothing is committed. */
  spans(): Promise<readonly DaySpan[]>;
  clicks(span: DaySpan): AsyncIterable<MovedClicks>;
  minutes(span: DaySpan): AsyncIterable<MovedMinutes>;
  rows(table: MovedTable): MovedRows;
  dayRows(table: MovedDayTable, span: DaySpan): MovedRows;
  clickTally(span: DaySpan): Promise<ClickTally>;
}

/** What moves, and how: a move goes on only where this is the same. */
export interface MovePlan {
  /** Of the data directory. */
  readonly source: string;
  /** The last commit of the source. */
  readonly sequence: number;
  /** Of the source's log. */
  readonly partitionsBefore: number;
  /** Of the log of from now on. */
  readonly partitions: number;
}

/** What the settings' database becomes. Nobody can open it as a store before it is finished. */
export interface MoveTarget extends AsyncDisposable {
  /** Of the database. */
  readonly id: string;
  /** An earlier run came to the end of this move. */
  readonly isFinished: boolean;
  /** Steps that are through, whatever becomes of this process. */
  readonly stepsDone: ReadonlySet<string>;
  noteStep(step: string): Promise<void>;
  /** So that everything is brought anew. */
  forgetSteps(): Promise<void>;
  /** Takes away what an earlier try has brought of these days. */
  clearDays(span: DaySpan): Promise<void>;
  addClicks(chunks: AsyncIterable<MovedClicks>): Promise<void>;
  addMinutes(chunks: AsyncIterable<MovedMinutes>): Promise<void>;
  addDayRows(table: MovedDayTable, chunks: MovedRows): Promise<void>;
  /** All rows of a small table, instead of what an earlier try has brought. */
  putRows(table: WholeTable, chunks: MovedRows): Promise<void>;
  /** All facts that are of partitions of now, likewise. */
  putFacts(facts: MovedFacts): Promise<void>;
  /** What has come, as a store that is as of the move. */
  open(): Promise<MovedStore>;
  /** From here on it is a store. `notes`: what all processes share, by name. */
  finish(notes: ReadonlyMap<string, string>): Promise<void>;
}

/** What the partitions of now begin with. */
export interface MovedFacts {
  /** Of each partition as of some commits, in the order of these. */
  readonly progress: AsyncIterable<readonly MovedProgress[]>;
  readonly closes: readonly RecordedClose[];
  readonly layoutChanges: readonly RecordedLayoutChange[];
  readonly droppedDays: readonly RecordedDroppedDay[];
}

export interface MovedProgress {
  readonly sequence: number;
  readonly committedAtMs: number;
  readonly partition: number;
  readonly watermarkMs: number;
}

export interface MovedStore extends ClickStoreReader {
  recover(): Promise<RecoveredState>;
  clickTally(span: DaySpan): Promise<ClickTally>;
  /** Rows of a table that are there. */
  rowCount(table: WholeTable): Promise<number>;
}
