/**
 * What a query may see of the commits, by the minute of the event: a number as it stood is the sum of what the commits
 * up to some one brought. One commit for all minutes is not enough, for minutes that were sealed stay as of another
 * than those after them.
 */

import type { MinuteRange } from "../model/window.ts";

export interface Visibility {
  /** Ascending in both. A minute's limit is the first that lies beyond it. */
  readonly limits: readonly VisibilityLimit[];
  /** For the minutes beyond all limits: what the commits up to this one brought; absent: whatever is there. */
  readonly asOf?: number;
}

/** Of minutes before `beforeMinute` (epoch minutes) shows what the commits up to `asOf` brought. */
export interface VisibilityLimit {
  readonly beforeMinute: number;
  readonly asOf: number;
}

/** Minutes of which the same commits are seen; `asOf` Infinity: all. */
export interface VisiblePiece extends MinuteRange {
  readonly asOf: number;
}

/** The last commit that is seen of a minute; Infinity where all are. */
export function asOfMinute(visibility: Visibility | undefined, minute: number): number {
  if (!visibility) return Infinity;
  const limit = visibility.limits.find(({ beforeMinute }) => minute < beforeMinute);
  return limit?.asOf ?? visibility.asOf ?? Infinity;
}

/** The range in pieces, ascending; one where no limit ends within it. */
export function visiblePieces(
  visibility: Visibility | undefined,
  { fromMinute, toMinute }: MinuteRange,
): VisiblePiece[] {
  const inner = (visibility?.limits ?? [])
    .map(({ beforeMinute }) => beforeMinute)
    .filter((minute) => minute > fromMinute && minute < toMinute);
  const starts = [fromMinute, ...inner];
  return starts.map((start, i) => ({
    fromMinute: start,
    toMinute: starts[i + 1] ?? toMinute,
    asOf: asOfMinute(visibility, start),
  }));
}
