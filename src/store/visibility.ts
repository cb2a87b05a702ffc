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
export interface VisibilityLimit extends SeenCommits {
  readonly beforeMinute: number;
}

/** The commits up to `asOf`, without those of some partitions that come after an earlier one. */
export interface SeenCommits {
  /** Infinity: all. */
  readonly asOf: number;
  readonly earlier: readonly PartitionLimit[];
}

export interface PartitionLimit {
  readonly partition: number;
  readonly asOf: number;
}

/** Minutes of which the same commits are seen. */
export interface VisiblePiece extends MinuteRange, SeenCommits {}

export function seenOfMinute(visibility: Visibility | undefined, minute: number): SeenCommits {
  const limit = visibility?.limits.find(({ beforeMinute }) => minute < beforeMinute);
  return limit ?? { asOf: visibility?.asOf ?? Infinity, earlier: [] };
}

/** The last commit of a partition that is seen. */
export function lastSeenOf({ asOf, earlier }: SeenCommits, partition: number): number {
  return earlier.find((limit) => limit.partition === partition)?.asOf ?? asOf;
}

/** The last commit of a partition that is seen of a minute. */
export function lastSeenAt(
  visibility: Visibility | undefined,
  minute: number,
  partition: number,
): number {
  return lastSeenOf(seenOfMinute(visibility, minute), partition);
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
  return starts.map((start, i) => {
    const { asOf, earlier } = seenOfMinute(visibility, start);
    return { fromMinute: start, toMinute: starts[i + 1] ?? toMinute, asOf, earlier };
  });
}
