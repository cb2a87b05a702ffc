/**
 * What is counted again from raw clicks: requests of an audit, which compares, and of a recompute, which mends, with
 * their answers.
 */

import type { RecomputeControl, RollbackControl } from "../model/log-record.ts";
import type { RangeRequest } from "./query-service.ts";

export interface AuditRequest extends RangeRequest {
  /** Only so many minutes of the range, drawn by the seed. */
  readonly sample?: string;
  readonly seed?: string;
}

export interface RecomputeRequest extends RangeRequest {
  /** `restate` or `quarantine`: what late clicks of the range are to become. */
  readonly late?: string;
  readonly reason?: string;
  /** The id of a recompute, or `last`; instead of a range. */
  readonly rollback?: string;
}

/** The control of a recompute or of its undoing, which lacks its id. */
export type RecountPlan = Omit<RecomputeControl, "id"> | Omit<RollbackControl, "id">;

export interface RecomputeAnswer {
  readonly action: "preview" | "recompute" | "rollback";
  /** Of what was applied; null where nothing was. */
  readonly id: string | null;
  readonly from: string;
  readonly to: string;
  /** Minute rows that differ, or did. */
  readonly rows: number;
  /** Ads' minutes whose count changes. */
  readonly buckets: number;
  /** Clicks whose outcome changes. */
  readonly clicks: number;
  /** By how much the sum of all counts changes. */
  readonly change: number;
  /** Of a preview: the buckets whose count changes, by minute and ad_id, at most 1000 of them. */
  readonly differences: readonly BucketDifference[];
  readonly as_of: number;
}

export interface BucketDifference {
  readonly minute: string;
  readonly ad_id: string;
  readonly before: number;
  readonly after: number;
}

/** A minute row with what it counts and what its raw clicks come to. */
export type AuditDifference = Readonly<Record<string, string | number | null>>;

export interface AuditAnswer {
  readonly from: string | null;
  readonly to: string | null;
  /** Of the range all, or those of the sample. */
  readonly checked_minutes: number;
  /** Of the sample; null where the whole range was checked. */
  readonly seed: number | null;
  readonly compared_rows: number;
  readonly compared_clicks: number;
  readonly differing_rows: number;
  readonly differences: readonly AuditDifference[];
  readonly ledger_balanced: boolean;
  /** Days (UTC, `2017-11-07`) that can't be recounted: their clicks were dropped by retention. */
  readonly days_left_out: readonly string[];
  readonly as_of: number;
}
