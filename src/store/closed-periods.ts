/**
 * Which minutes are closed, and as of what. Each partition seals them at a commit of its own, where its log has the close: a
 * period is closed once all have, and holds of each partition what that had counted by then. So its numbers follow from
 * the logs alone, however their commits took turns.
 */

import type { Commit } from "../model/commit.ts";
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
      const seals = sealsOf(closes, throughMinute);
      if (seals.length < partitionCount) return [];
      const { id, tz, receivedAtMs } = own.at(-1)!;
      const asOf = Math.max(...seals.map((seal) => seal.asOf));
      return [{ throughMinute, id, tz, receivedAtMs, asOf, seals }];
    });
}

/** Where partitions have sealed the minutes before, by partition: of those that have. */
export function sealsOf(closes: readonly RecordedClose[], throughMinute: number): PartitionLimit[] {
  const sealing = closes.filter((close) => close.throughMinute >= throughMinute);
  const firsts = [...Map.groupBy(sealing, ({ partition }) => partition).values()];
  return firsts
    .map(([first]) => ({ partition: first!.partition, asOf: first!.asOf }))
    .toSorted((a, b) => a.partition - b.partition);
}

/** What a commit brings of them. */
export function closesOf({
  sequence: asOf,
  closes,
}: Pick<Commit, "sequence" | "closes">): RecordedClose[] {
  return closes.map((close) => Object.assign({ asOf }, close));
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
