/** What simulated services have in common, whether they are one process or several. */

import type { Clock } from "../clock/clock.ts";
import { Ingest } from "../ingest/accept.ts";
import type { PartitionProgress } from "../model/commit.ts";
import type { DimensionLayout } from "../model/dimensions.ts";
import type { ClickQueueWriter } from "../queue/click-queue.ts";

export const maxFutureMs = 60_000;
/** Not a random one: a seed has one history only where it hashes alike. */
export const secret = new Uint8Array(32).fill(7);

export const engineSettings = {
  retryDelays: { msMin: 50, msMax: 5_000 },
  dedupBytesMax: 1e9,
  auditBucketsAMinute: 1,
} as const;

export function ingestOver(log: ClickQueueWriter, clock: Clock, layout: DimensionLayout): Ingest {
  return new Ingest(log, clock, {
    layout,
    unknownFields: "ignore",
    missingEventId: "derive",
    maxFutureMs,
    bodyBytesMax: 1e6,
    decompressedBytesMax: 1e6,
    itemsMax: 1e4,
  });
}

/** `ends`: by partition, the offset behind its log. A partition of which nothing is committed has no progress. */
export function hasReached(
  progress: readonly PartitionProgress[],
  ends: readonly number[],
): boolean {
  return ends.every(
    (end, partition) =>
      (progress.find((known) => known.partition === partition)?.nextOffset ?? 0) === end,
  );
}
