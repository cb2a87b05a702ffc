/** The shapes of requests and answers; test/client/answers.test.ts holds them against the service's own. */

export type FinalityStatus = "provisional" | "final" | "restated" | "closed";

interface RangeRequest {
  /** `M` minutes, or `15m`, `2h`, `7d`, `1w`; ends with the current minute. Instead of from and to. */
  readonly window?: string | number;
  /** `final`: the window ends where minutes are final. */
  readonly end?: string;
  /** Inclusive; RFC 3339 or epoch milliseconds; widened outward to a whole minute. */
  readonly from?: string | number;
  /** Exclusive. */
  readonly to?: string | number;
  /** RSQL: `country==US;device=in=(mobile,tablet)`. */
  readonly filter?: string;
  /** Answer as of this commit, for minutes that were final then. */
  readonly as_of?: string | number;
}

interface CalendarRequest {
  /** `minute`, `hour` or `day`. */
  readonly granularity?: string;
  /** IANA time zone of hours and days, default UTC. */
  readonly tz?: string;
}

export interface CountRequest extends RangeRequest, CalendarRequest {}

export interface TopRequest extends RangeRequest {
  /** 1 to 1000, default 10. */
  readonly topN?: string | number;
}

export interface BreakdownRequest extends RangeRequest, CalendarRequest {
  /** Up to three fields, a list or comma-separated: dimensions, `ad_id`, `ad.` and an attribute. */
  readonly by?: string | readonly string[];
  /** `key` (the default), or `count`: the highest counts first, one page alone. */
  readonly order?: string;
  /** Rows in a page. */
  readonly limit?: string | number;
  /** `next_cursor` of the page before. */
  readonly cursor?: string | undefined;
}

interface Finality {
  readonly status: FinalityStatus;
  /** Minutes before this are final. */
  readonly final_through: string | null;
  readonly watermark: string | null;
  /** The commit this was computed at. */
  readonly as_of: number;
}

interface AnsweredRange {
  readonly from: string;
  readonly to: string;
  readonly filter: string | null;
}

export interface CountAnswer extends AnsweredRange, Finality {
  readonly ad_id: string;
  readonly count: number;
  /** Rises with every restatement of the range. */
  readonly revision: number;
  readonly series?: readonly {
    readonly start: string;
    readonly count: number;
    readonly status: FinalityStatus;
    readonly revision: number;
  }[];
}

export interface TopAnswer extends AnsweredRange, Finality {
  readonly ads: readonly {
    readonly rank: number;
    readonly ad_id: string;
    readonly count: number;
  }[];
}

export interface BreakdownAnswer extends AnsweredRange, Finality {
  readonly by: readonly string[];
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
  /** For the next page; null at the end. */
  readonly next_cursor: string | null;
}

/** Why one click was refused. */
export interface ItemError {
  /** Of the click in its batch. */
  readonly index: number;
  readonly field?: string;
  readonly code: string;
  readonly message: string;
}

export interface ClicksAnswer {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly derived_ids: number;
  readonly errors: readonly ItemError[];
  readonly counted?: number;
  readonly duplicates?: number;
  readonly restated?: number;
  readonly quarantined?: number;
  readonly expired?: number;
}
