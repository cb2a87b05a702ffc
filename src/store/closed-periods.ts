/**
 * Which minutes are closed, and as of what. Each partition seals them at a commit of its own, where its log has the close: a
 * period is closed once all have, and holds of each partition what that had counted by then. So its numbers follow from
 * the logs alone, however their commits took turns.
 */

import type { RecordedClose } from "./click-store.ts";
import type { PartitionLimit, Visibility, VisibilityLimit } from "./visibility.ts";

export interface ClosedPeriod {
  /** The minutes before, epoch minutes. */
  readonly throughMinute: number;
  /** Of whoever asked for it. */
  readonly id: string;
  readonly tz: string;
  /** Of the close in the log, epoch ms. */
  readonly receivedAtMs: number;
  /** The commit at which the last partition sealed it. */
  readonly asOf: number;
  /** The commit of each partition. */
  readonly seals: readonly PartitionLimit[];
}

/** Ascending in minutes and commits. `closes`: in the order of their commits. */
export function closedPeriods(
  closes: readonly RecordedClose[],
  partitionCount: number,
): ClosedPeriod[] {
  const byMinute = Map.groupBy(closes, ({ throughMinute }) => throughMinute);
  return [...byMinute]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([throughMinute, own]) => {
      const seals = sealsOf(closes, throughMinute, partitionCount);
      if (!seals) return [];
      const { id, tz, receivedAtMs } = own.at(-1)!;
      const asOf = Math.max(...seals.map((seal) => seal.asOf));
      return [{ throughMinute, id, tz, receivedAtMs, asOf, seals }];
    });
}

/** Where each partition has sealed the minutes before; undefined while one has not. */
function sealsOf(
  closes: readonly RecordedClose[],
  throughMinute: number,
  partitionCount: number,
): PartitionLimit[] | undefined {
  const seals: PartitionLimit[] = [];
  for (let partition = 0; partition < partitionCount; partition++) {
    const first = closes.find(
      (close) => close.partition === partition && close.throughMinute >= throughMinute,
    );
    if (!first) return undefined;
    seals.push({ partition, asOf: first.asOf });
  }
  return seals;
}

/** What may be seen where these are closed; `asOf` for all other minutes, absent: everything. */
export function visibilityOf(
  periods: readonly ClosedPeriod[],
  asOf?: number,
): Visibility | undefined {
  if (periods.length === 0 && asOf === undefined) return undefined;
  const limits = periods.map(({ throughMinute, asOf: last, seals }): VisibilityLimit => ({
    beforeMinute: throughMinute,
    asOf: last,
    earlier: seals.filter((seal) => seal.asOf < last),
  }));
  return { limits, ...(asOf !== undefined && { asOf }) };
}
