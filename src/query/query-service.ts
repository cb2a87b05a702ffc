/**
 * What the API asks of the query side, in the words of the HTTP API: requests hold parameters as sent (strings),
 * answers are what goes out as JSON. Every method rejects with a CodedError for what the caller did wrong.
 */

import type { WatcherStatus } from "../model/log-source.ts";
import type { ClosesAnswer, StatementAnswer, StatementRequest } from "./billing.ts";
import type { ErasePlan, EraseRequest } from "./erase-plan.ts";
import type { OperationType, RestatementReason } from "../model/commit.ts";
import type { Position } from "../model/log-record.ts";
import type { OutcomeName } from "../model/outcome.ts";
import type {
  AuditRequest,
  AuditAnswer,
  AuditDifference,
  RecomputeRequest,
  RecountPlan,
  RecomputeAnswer,
} from "./recount.ts";
import type { ChangesPage, ChangesRequest } from "./changes-page.ts";
import type { MinuteRange } from "../model/window.ts";
import type { ExportFormat, ExportKind } from "../store/store-exports.ts";

export interface QueryService {
  count(request: CountRequest): Promise<CountAnswer>;
  top(request: TopRequest): Promise<TopAnswer>;
  breakdown(request: BreakdownRequest): Promise<BreakdownAnswer>;
  explain(request: ExplainRequest): Promise<ExplainAnswer>;
  ledger(request: RangeRequest): Promise<LedgerAnswer>;
  restatements(request: RestatementsRequest): Promise<RestatementsAnswer>;
  quarantine(request: QuarantineRequest): Promise<QuarantineAnswer>;
  operation(id: string): Promise<OperationAnswer>;
  closes(): Promise<ClosesAnswer>;
  statement(request: StatementRequest): Promise<StatementAnswer>;
  /** One page of the changes; asks for the next one with the place where it ended. */
  changes(request: ChangesRequest): Promise<ChangesPage>;
  ad(adId: string): Promise<AdAnswer>;
  status(): Promise<StatusAnswer>;
  audit(request: AuditRequest): Promise<AuditAnswer>;
  planExport(request: ExportRequest): Promise<ExportPlan>;
  /** What a recompute of the range would change. */
  recompute(request: RecomputeRequest): Promise<RecomputeAnswer>;
  /** The control of a recompute or a rollback, to be given an id and appended. */
  recomputeControl(request: RecomputeRequest): Promise<RecountPlan>;
  /** What came of it, once its records are committed. */
  recomputed(id: string): Promise<RecomputeAnswer>;
  /** The control of an erasure, to be given an id and appended. */
  eraseControl(request: EraseRequest): Promise<ErasePlan>;
  /** Resolves when the queue holds none of these records any more, with false when `timeoutMs` is over first. */
  forgotten(positions: readonly Position[], timeoutMs: number): Promise<boolean>;
  /** Resolves when the records at these positions are committed, with false when `timeoutMs` is over first. */
  committed(positions: readonly Position[], timeoutMs: number): Promise<boolean>;
  /** Outcomes of rows `[fromRow, toRow)` of committed records, summed. */
  outcomes(ranges: readonly CommittedRows[]): Promise<Readonly<Record<OutcomeName, number>>>;
}

/** A service that passes every call on. */
export function queryServiceBy(
  call: (name: keyof QueryService, args: readonly never[]) => Promise<unknown>,
): QueryService {
  const calls = queryMethods.map((name) => [name, (...args: never[]) => call(name, args)] as const);
  return Object.fromEntries(calls) as unknown as QueryService;
}

/** Calls one of its methods by name. */
export function askByName(
  query: QueryService,
  name: keyof QueryService,
  args: readonly never[],
): Promise<unknown> {
  return (query[name] as (...given: readonly never[]) => Promise<unknown>)(...args);
}

/** All of QueryService. */
const queryMethods = Object.keys({
  count: true,
  top: true,
  breakdown: true,
  explain: true,
  ledger: true,
  restatements: true,
  quarantine: true,
  operation: true,
  closes: true,
  statement: true,
  changes: true,
  ad: true,
  status: true,
  audit: true,
  recompute: true,
  recomputeControl: true,
  recomputed: true,
  planExport: true,
  eraseControl: true,
  forgotten: true,
  committed: true,
  outcomes: true,
} satisfies Record<keyof QueryService, true>) as readonly (keyof QueryService)[];

export interface CommittedRows extends Position {
  readonly fromRow: number;
  readonly toRow: number;
}

/** `from` and `to` (RFC 3339 or epoch ms) or `window` (`15`, `15m`, `2h`, `7d`), which ends now or, with `end=final`, at final_through. */
export interface RangeRequest {
  readonly window?: string;
  readonly end?: string;
  readonly from?: string;
  readonly to?: string;
}

export interface CountRequest extends RangeRequest {
  readonly ad_id: string;
  readonly filter?: string;
  readonly granularity?: string;
  readonly tz?: string;
  readonly as_of?: string;
}

export interface TopRequest extends RangeRequest {
  readonly topN?: string;
  readonly filter?: string;
  readonly as_of?: string;
}

export interface BreakdownRequest extends RangeRequest {
  /** Up to three fields, comma-separated; may be empty. */
  readonly by?: string;
  readonly filter?: string;
  readonly granularity?: string;
  readonly tz?: string;
  readonly as_of?: string;
  /** `key` or `count`. */
  readonly order?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

export interface ExplainRequest extends RangeRequest {
  readonly ad_id: string;
  readonly filter?: string;
  readonly as_of?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

export interface RestatementsRequest extends RangeRequest {
  readonly ad_id?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

export interface QuarantineRequest extends RangeRequest {
  readonly ad_id?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

export type FinalityStatus = "provisional" | "final" | "restated" | "closed";

/** Times are RFC 3339; null where no click has come yet. */
export interface Finality {
  readonly status: FinalityStatus;
  readonly final_through: string | null;
  readonly watermark: string | null;
  readonly as_of: number;
}

export interface CountAnswer extends Finality {
  readonly ad_id: string;
  readonly from: string;
  readonly to: string;
  readonly filter: string | null;
  readonly count: number;
  /** The sum of the revisions of the range's buckets: it rises with every restatement. */
  readonly revision: number;
  readonly series?: readonly SeriesPoint[];
}

export interface SeriesPoint {
  readonly start: string;
  readonly count: number;
  readonly status: FinalityStatus;
  readonly revision: number;
}

export interface TopAnswer extends Finality {
  readonly from: string;
  readonly to: string;
  readonly filter: string | null;
  readonly ads: readonly {
    readonly rank: number;
    readonly ad_id: string;
    readonly count: number;
  }[];
}

export interface BreakdownAnswer extends Finality {
  readonly from: string;
  readonly to: string;
  readonly filter: string | null;
  readonly by: readonly string[];
  /** Each row has a member for every field of `by`, `start` where there is a granularity, and `count`. */
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
  /** Pass as `cursor` for the rows after these; null at the end. */
  readonly next_cursor: string | null;
}

/** The restatement journal of a range of buckets. */
export interface RestatementsAnswer {
  readonly ad_id: string | null;
  readonly from: string;
  readonly to: string;
  /** The last commit whose restatements are in it. */
  readonly as_of: number;
  /** By minute, ad_id and revision. */
  readonly rows: readonly JournalEntry[];
  readonly next_cursor: string | null;
}

export interface JournalEntry {
  readonly minute: string;
  readonly ad_id: string;
  readonly before: number;
  readonly after: number;
  readonly revision: number;
  readonly reason: RestatementReason;
  /** Of the click that changed it. */
  readonly received_at: string;
  /** The commit that changed it. */
  readonly as_of: number;
}

/** Of a journal as a table, in their order. */
export const journalColumns = [
  "minute",
  "ad_id",
  "before",
  "after",
  "revision",
  "reason",
  "received_at",
  "as_of",
] as const satisfies readonly (keyof JournalEntry)[];

/** The clicks behind a count: what `count` says of the same range and filter, click by click. */
export interface ExplainAnswer extends Finality {
  readonly ad_id: string;
  readonly from: string;
  readonly to: string;
  readonly filter: string | null;
  /** The clicks that are counted or restated. */
  readonly count: number;
  readonly revision: number;
  /** Of all clicks of the range that match, on whichever page. */
  readonly outcomes: Readonly<Record<OutcomeName, number>>;
  /** The names of all dimensions, in the order in which they were declared. */
  readonly dimensions: readonly string[];
  /** By click_timestamp, then partition, offset and row. */
  readonly clicks: readonly ExplainedClick[];
  /** Pass as `cursor` for the clicks after these; null at the end. */
  readonly next_cursor: string | null;
}

/** A click with where it stands in the log. */
export interface RecordedClick {
  readonly click_timestamp: string;
  readonly received_at: string;
  readonly outcome: OutcomeName;
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  readonly row: number;
}

export interface ExplainedClick extends RecordedClick {
  readonly event_id: string;
  /** Null where missing. */
  readonly dimensions: Readonly<Record<string, string | null>>;
  /** Of a duplicate: the recorded click that it repeats, null where that is not kept any more. */
  readonly original: RecordedClick | null;
}

/** Clicks that are kept and not counted, because they came too late. */
export interface QuarantineAnswer {
  readonly ad_id: string | null;
  readonly from: string;
  readonly to: string;
  /** By click_timestamp, then partition, offset and row. */
  readonly rows: readonly QuarantinedClick[];
  readonly next_cursor: string | null;
}

export interface QuarantinedClick extends RecordedClick {
  readonly ad_id: string;
  readonly event_id: string;
}

/** What somebody has asked for, and what came of it. */
export interface OperationAnswer {
  readonly id: string;
  readonly type: OperationType;
  readonly reason: string;
  /** Of its last part. */
  readonly received_at: string;
  /** The commit that saw the last of it. */
  readonly as_of: number;
  readonly result: Readonly<Record<string, number>>;
}

/** It is in the log, and waits for its turn. */
export interface PendingOperation {
  readonly id: string;
  readonly pending: true;
}

export interface LedgerAnswer {
  readonly rows: readonly LedgerAnswerRow[];
  readonly total: LedgerNumbers;
  readonly balanced: boolean;
}

export type LedgerNumbers = { readonly received: number } & Readonly<Record<OutcomeName, number>>;
export type LedgerAnswerRow = { readonly minute: string; readonly source: string } & LedgerNumbers;

export interface AdAnswer {
  readonly ad_id: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly valid_from: string;
}

export interface SelfAuditNumbers {
  /** Final buckets that were recounted. */
  readonly checked_buckets: number;
  /** Of them those that differed, once each, and again where they were right meanwhile. */
  readonly mismatched_buckets: number;
  /** Null before the first recount. */
  readonly last_run: string | null;
  /** Those that differ still. */
  readonly mismatches: readonly {
    readonly minute: string;
    readonly differing_rows: number;
    /** The first of them. */
    readonly differences: readonly AuditDifference[];
  }[];
}

export interface StatusAnswer {
  readonly status: "ready" | "recovering" | "failed";
  readonly as_of: number;
  readonly watermark: string | null;
  readonly final_through: string | null;
  readonly partitions: readonly {
    readonly partition: number;
    readonly next_offset: number;
    /** Null, as the other two, where the queue does not say for now. */
    readonly lag_records: number | null;
    readonly lag_clicks: number | null;
    readonly lag_seconds: number | null;
    readonly watermark: string | null;
    readonly watermark_delay_seconds: number | null;
  }[];
  /** Absent, as all that is said to be of the process that counts, where another one does. */
  readonly dedup?: { readonly ids: number; readonly bytes: number; readonly max_bytes: number };
  readonly store_bytes: number;
  /** Of the process that counts. */
  readonly queue_bytes?: number;
  readonly totals: LedgerNumbers;
  /**
   * Whether what was received is the sum of what became of it: in each commit since the start, and in each minute and
   * source of the ledger that was there before.
   */
  readonly ledger_balanced: boolean;
  /** Clicks by which it does not balance. */
  readonly ledger_imbalance: number;
  /** What the service has found of its own numbers since its start. Of the process that counts. */
  readonly audit?: SelfAuditNumbers;
  readonly resident_bytes: number;
  readonly uptime_seconds: number;
  /** Of the log files that the process which was asked follows; absent where there are none. */
  readonly watchers?: readonly WatcherStatus[];
}

/** `clicks` (the default) or `minutes`, as `parquet` or `csv`; without a range all that is kept. */
export interface ExportRequest {
  readonly format: string;
  readonly what?: string;
  readonly from?: string;
  readonly to?: string;
}

/** The first day of an export, and where the next one begins. */
export interface ExportPlan {
  readonly what: ExportKind;
  readonly format: ExportFormat;
  /** Undefined where nothing is kept. Within one UTC day. */
  readonly range: MinuteRange | undefined;
  readonly dimensions: readonly string[];
  /** Epoch minute; undefined where this is the last day. */
  readonly nextFromMinute: number | undefined;
}
