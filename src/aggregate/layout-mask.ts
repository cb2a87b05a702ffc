/** Which dimension columns the minute rows of a minute have: those of the layout in force at it. */

import { minuteDimensions } from "../model/dimensions.ts";
import type { LayoutChange } from "../model/minute-layout.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";

export interface LayoutMask {
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly mask: readonly boolean[];
}

/** Which of these columns each layout has, what came last first; undefined where there has been one layout only. */
export function layoutMasks(
  configs: readonly SemanticConfig[],
  changes: readonly LayoutChange[],
  names: readonly string[],
): LayoutMask[] | undefined {
  if (configs.length === 1 && changes.length === 0) return undefined;
  const maskOfKnown = (known: readonly string[]): boolean[] =>
    names.map((name) => known.includes(name));
  return [
    ...changes.toReversed().map(({ fromMinute, toMinute, dimensions }) => {
      return { fromMinute, toMinute, mask: maskOfKnown(dimensions) };
    }),
    ...configs.toReversed().map(({ fromMinute, dimensions }) => {
      const known = minuteDimensions(dimensions).map(({ name }) => name);
      return { fromMinute, toMinute: Infinity, mask: maskOfKnown(known) };
    }),
  ];
}

export function maskOf(masks: readonly LayoutMask[], minute: number): readonly boolean[] {
  for (const { fromMinute, toMinute, mask } of masks)
    if (minute >= fromMinute && minute < toMinute) return mask;
  return masks.at(-1)!.mask;
}
