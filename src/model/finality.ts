import type { SemanticConfig } from "./semantic-config.ts";
import { minuteMs } from "./time.ts";

/**
 * Every bucket before this epoch minute is final: the watermark has reached its end plus the allowed lateness of the
 * configuration in force at that minute. -Infinity where nothing is. `configs`: oldest first, at least one.
 */
export function finalBeforeMinute(configs: readonly SemanticConfig[], watermarkMs: number): number {
  let finalBefore = -Infinity;
  for (const [index, config] of configs.entries()) {
    // A configuration speaks for the minutes from its own first one on; those before must be final already.
    if (index > 0 && finalBefore < config.fromMinute) return finalBefore;
    const end = configs[index + 1]?.fromMinute ?? Infinity;
    const reached = Math.floor((watermarkMs - config.allowedLatenessMs) / minuteMs);
    finalBefore = Math.min(end, index > 0 ? Math.max(reached, config.fromMinute) : reached);
  }
  return finalBefore;
}
