/** Which dimension columns the minute rows of a minute have: those of the layout in force at it. */

import { minuteDimensions } from "../model/dimensions.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";

export interface LayoutMask {
  readonly fromMinute: number;
  readonly mask: readonly boolean[];
}

/** Which of these columns each layout has, newest first; undefined where there has been one layout only. */
export function layoutMasks(
  configs: readonly SemanticConfig[],
  names: readonly string[],
): LayoutMask[] | undefined {
  if (configs.length === 1) return undefined;
  return configs.toReversed().map((config) => {
    const known = new Set(minuteDimensions(config.dimensions).map((dimension) => dimension.name));
    return { fromMinute: config.fromMinute, mask: names.map((name) => known.has(name)) };
  });
}

export function maskOf(masks: readonly LayoutMask[], minute: number): readonly boolean[] {
  for (const { fromMinute, mask } of masks) if (minute >= fromMinute) return mask;
  return masks.at(-1)!.mask;
}
