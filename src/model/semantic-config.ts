import type { DimensionLayout } from "./dimensions.ts";

/**
 * The settings that outcomes depend on. A change is a control record in the log, never just a restart with
 * another file: replaying the log must meet the same settings at the same places. All times in ms.
 */
export interface SemanticConfig {
  /** Counts the changes, from 1. A process that knows a lower generation than the log stops. */
  readonly generation: number;
  /** The minute (epoch minutes) it takes effect at, later than any receipt before it; 0 for the first. */
  readonly fromMinute: number;
  readonly dimensions: DimensionLayout;
  readonly adAttributes: readonly string[];
  readonly outOfOrdernessMs: number;
  readonly allowedLatenessMs: number;
  readonly idleLagMs: number;
  readonly dedupHorizonMs: number;
  /** How long behind the watermark ids stay in the recent tier. */
  readonly dedupRecentMs: number;
  readonly late: LatePolicy;
  /**
   * Derived ids of clicks from this event minute on are hashed under the secret, for without it they would tell what a protected
   * dimension was. Absent where no dimension was ever protected; it stays when none is any more.
   */
  readonly keyedIdsFromMinute?: number;
}

export type LatePolicy = "restate" | "quarantine";

/**
 * The configuration in force at a minute. Settings of buckets (dimensions, lateness, late) go by the event minute,
 * those of the stream (out-of-orderness, idle lag, horizon) by the minute of receipt, the recent tier's by the
 * watermark; so what is in force never depends on how far another partition has read. `configs`: oldest first, at least one.
 */
export function configAt(configs: readonly SemanticConfig[], minute: number): SemanticConfig {
  for (let i = configs.length - 1; i > 0; i--)
    if (minute >= configs[i]!.fromMinute) return configs[i]!;
  return configs[0]!;
}
