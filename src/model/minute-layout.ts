/** The dimensions that minute rows have, minute by minute. */

import { minuteDimensions } from "./dimensions.ts";
import type { SemanticConfig } from "./semantic-config.ts";
import { configAt } from "./semantic-config.ts";
import type { MinuteRange } from "./window.ts";

/** Epoch minutes, `[fromMinute, toMinute)`, whose rows have these dimensions. */
export interface LayoutPiece extends MinuteRange {
  readonly dimensions: readonly string[];
}

/** What holds in the range, in order and without gaps. `configs`: oldest first, at least one. */
export function layoutPieces(
  configs: readonly SemanticConfig[],
  { fromMinute, toMinute }: MinuteRange,
): LayoutPiece[] {
  const starts = [fromMinute, ...configs.map((config) => config.fromMinute)]
    .filter((minute) => minute >= fromMinute && minute < toMinute)
    .sort((a, b) => a - b);
  return [...new Set(starts)].map((start, i, all) => ({
    fromMinute: start,
    toMinute: all[i + 1] ?? toMinute,
    dimensions: minuteDimensions(configAt(configs, start).dimensions).map(({ name }) => name),
  }));
}
