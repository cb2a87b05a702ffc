/**
 * The dimensions that minute rows have, minute by minute: those of the configuration in force at a minute, until a
 * recompute has rewritten its rows under another one.
 */

import type { DimensionLayout } from "./dimensions.ts";
import { minuteDimensions } from "./dimensions.ts";
import type { SemanticConfig } from "./semantic-config.ts";
import { configAt } from "./semantic-config.ts";
import type { MinuteRange } from "./window.ts";

/** Epoch minutes, `[fromMinute, toMinute)`, whose rows have these dimensions. */
export interface LayoutPiece extends MinuteRange {
  readonly dimensions: readonly string[];
  /** Dimensions that the rows of some partitions have and those of others do not. */
  readonly mixed?: readonly string[];
}

/** From its commit on a partition's rows of these minutes have these dimensions. */
export interface LayoutChange extends LayoutPiece {
  readonly partition: number;
  /** Of the operation that made it. */
  readonly id: string;
}

/**
 * What holds in the range, in order and without gaps, of one partition. `configs`: oldest first, at least one; `changes`:
 * the partition's, in the order of their commits.
 */
export function layoutPieces(
  configs: readonly SemanticConfig[],
  changes: readonly LayoutPiece[],
  range: MinuteRange,
): LayoutPiece[] {
  return piecesBetween(configs, changes, range, (minute) => ({
    dimensions: dimensionsAt(configs, changes, minute),
  }));
}

/** What holds in the range for all of so many partitions. */
export function commonLayoutPieces(
  configs: readonly SemanticConfig[],
  changes: readonly LayoutChange[],
  partitionCount: number,
  range: MinuteRange,
): LayoutPiece[] {
  if (changes.length === 0) return layoutPieces(configs, changes, range);
  const byPartition = Map.groupBy(changes, ({ partition }) => partition);
  const histories = [...byPartition.values()];
  if (byPartition.size < partitionCount) histories.push([]);
  return piecesBetween(configs, changes, range, (minute) => {
    const each = histories.map((history) => dimensionsAt(configs, history, minute));
    const all = [...new Set(each.flat())];
    const isCommon = (name: string): boolean => each.every((names) => names.includes(name));
    return {
      dimensions: all.filter(isCommon),
      mixed: all.filter((name) => !isCommon(name)),
    };
  });
}

/**
 * What a recompute makes of these pieces where this layout is to hold. Addresses that a raw row has not as a key stay with
 * raw.
 */
export function relaid(pieces: readonly LayoutPiece[], layout: DimensionLayout): LayoutPiece[] {
  return pieces.map(({ fromMinute, toMinute, dimensions }) => ({
    fromMinute,
    toMinute,
    dimensions: minuteDimensions(layout)
      .filter(({ name, type }) => type !== "ip" || dimensions.includes(name))
      .map(({ name }) => name),
  }));
}

/** Of `after` the pieces that differ from `before`, which has the same ranges. */
export function changedPieces(
  before: readonly LayoutPiece[],
  after: readonly LayoutPiece[],
): LayoutPiece[] {
  return after.filter(({ dimensions }, i) => {
    const others = new Set(before[i]!.dimensions);
    return others.symmetricDifference(new Set(dimensions)).size > 0;
  });
}

function dimensionsAt(
  configs: readonly SemanticConfig[],
  changes: readonly LayoutPiece[],
  minute: number,
): readonly string[] {
  const change = changes.findLast((c) => minute >= c.fromMinute && minute < c.toMinute);
  if (change) return change.dimensions;
  return minuteDimensions(configAt(configs, minute).dimensions).map(({ name }) => name);
}

/** Cut wherever the dimensions may change. */
function piecesBetween(
  configs: readonly SemanticConfig[],
  changes: readonly LayoutPiece[],
  { fromMinute, toMinute }: MinuteRange,
  pieceAt: (minute: number) => Omit<LayoutPiece, keyof MinuteRange>,
): LayoutPiece[] {
  const starts = [
    ...configs.map((config) => config.fromMinute),
    ...changes.flatMap((change) => [change.fromMinute, change.toMinute]),
  ];
  const within = [fromMinute, ...starts]
    .filter((minute) => minute >= fromMinute && minute < toMinute)
    .sort((a, b) => a - b);
  return [...new Set(within)].map((start, i, all) =>
    Object.assign({ fromMinute: start, toMinute: all[i + 1] ?? toMinute }, pieceAt(start)),
  );
}
