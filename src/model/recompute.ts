/** Which recomputes are refused, and their bounds: the same where they are asked for and where they are applied. */

import type { MinuteRange } from "./window.ts";

/** Minute rows that one recompute may change in a partition: they are held in memory, about 100 bytes each. */
export const recomputeRowsMax = 1_000_000;
/** Clicks of a partition whose outcome one recompute may have to look at: about 500 bytes each. */
export const recomputeClicksMax = 200_000;

/** `none_to_undo`: what is to be rolled back is not the last recompute that was applied. */
export type RecomputeRefusal = "not_final" | "raw_dropped" | "too_large" | "none_to_undo";

export interface RecomputeBounds {
  /** Every bucket before this epoch minute is final. */
  readonly finalBeforeMinute: number;
  /** All raw clicks from this epoch minute on are kept. */
  readonly rawFromMinute: number;
}

/** Where no raw clicks of a range were dropped, every minute of it can be counted anew. */
export const allRawKept = -Infinity;

export function refusalOf(
  { fromMinute, toMinute }: MinuteRange,
  { finalBeforeMinute, rawFromMinute }: RecomputeBounds,
): RecomputeRefusal | undefined {
  if (toMinute > finalBeforeMinute) return "not_final";
  return fromMinute < rawFromMinute ? "raw_dropped" : undefined;
}
