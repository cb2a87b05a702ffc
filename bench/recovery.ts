import type { BodyOutcome } from "./load-generator.ts";

/**
 * Seconds from the end of an overload until the first body from which on all are acknowledged within `slowMs`; undefined where
 * even the last one was not.
 */
export function recoverySeconds(
  bodies: readonly BodyOutcome[],
  endMs: number,
  slowMs: number,
): number | undefined {
  const after = bodies.filter(({ dueMs }) => dueMs >= endMs).toSorted((a, b) => a.dueMs - b.dueMs);
  const lastSlow = after.findLastIndex(({ ackMs }) => ackMs === null || ackMs > slowMs);
  const firstGood = after[lastSlow + 1];
  return firstGood && (firstGood.dueMs - endMs) / 1000;
}
