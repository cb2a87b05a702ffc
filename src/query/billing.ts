/** What billing asks of the query side: which periods are closed, and statements. As in query-service.ts. */

import type { Finality, FinalityStatus } from "./query-service.ts";

/** `from` and `to`: dates of the zone, or times, widened to its days. */
export interface StatementRequest {
  readonly from?: string;
  readonly to?: string;
  readonly tz?: string;
  readonly ad_id?: string;
  readonly as_of?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

export interface CloseAnswer {
  /** All minutes before are closed. */
  readonly through: string;
  readonly tz: string;
  /** By an earlier close. */
  readonly already_closed: boolean;
  /** The commit that its numbers are as of. */
  readonly as_of: number;
}

export interface ClosesAnswer {
  /** All minutes before are closed; null where none is. */
  readonly closed_through: string | null;
  readonly as_of: number;
  /** By `through`. */
  readonly closes: readonly {
    readonly id: string;
    readonly through: string;
    readonly tz: string;
    readonly received_at: string;
    /** The commit its numbers are as of. */
    readonly as_of: number;
  }[];
}

export interface StatementAnswer extends Finality {
  readonly from: string;
  readonly to: string;
  readonly tz: string;
  readonly ad_id: string | null;
  /** By day and ad_id. */
  readonly rows: readonly StatementRow[];
  readonly next_cursor: string | null;
}

export interface StatementRow {
  readonly ad_id: string;
  /** A date of the zone. */
  readonly day: string;
  readonly zone: string;
  readonly count: number;
  readonly status: FinalityStatus;
  /** The commit the count is as of: of a closed day that of its close. */
  readonly as_of: number;
  /** Net clicks that came to light after the close, and are not in the count. */
  readonly adjustments: number;
}

/** Of a statement as a table, in their order. */
export const statementColumns = [
  "ad_id",
  "day",
  "zone",
  "count",
  "status",
  "as_of",
  "adjustments",
] as const satisfies readonly (keyof StatementRow)[];
