/** How final a number is: from the watermarks of the partitions and the journal of restatements. */

import type { PartitionProgress } from "../model/commit.ts";
import { formatMinute, formatTime } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { Snapshot } from "../store/click-store.ts";
import type { ConfigHistory } from "./config-history.ts";
import type { Finality, FinalityStatus } from "./query-service.ts";

/** What was restated in a range: of one ad or of all, as of one commit. */
export interface RestatedView {
  /** Whether any bucket of the range was, and the sum of its buckets' revisions. */
  summarize(range: MinuteRange): { readonly restated: boolean; readonly revision: number };
}

/** The lowest of all partitions', epoch ms; undefined while any has none. */
export function serviceWatermarkMs(
  progress: readonly PartitionProgress[],
  partitionCount: number,
): number | undefined {
  if (progress.length < partitionCount || progress.length === 0) return undefined;
  const lowest = Math.min(...progress.map(({ watermarkMs }) => watermarkMs));
  return Number.isFinite(lowest) ? lowest : undefined;
}

/** Buckets before this epoch minute are final; undefined where none is. */
export function finalThroughMinute(
  watermarkMs: number | undefined,
  configs: ConfigHistory,
): number | undefined {
  if (watermarkMs === undefined) return undefined;
  const minute = configs.finalBeforeMinute(watermarkMs);
  return Number.isFinite(minute) ? minute : undefined;
}

/** Closed if all buckets are; provisional if any is, else restated if any is, else final. */
export function statusOf(
  range: MinuteRange,
  { finalThrough, closedThrough }: FinalityMarks,
  restated: RestatedView,
): FinalityStatus {
  if (range.toMinute <= closedThrough) return "closed";
  if (finalThrough === undefined || range.toMinute > finalThrough) return "provisional";
  return restated.summarize(range).restated ? "restated" : "final";
}

/** Epoch minutes. */
export interface FinalityMarks {
  /** Buckets before it are final; undefined where none is. */
  readonly finalThrough: number | undefined;
  /** Buckets before it are closed; -Infinity where none is. */
  readonly closedThrough: number;
}

/** The finality fields of an answer. */
export class FinalityReader implements FinalityMarks {
  readonly finalThrough: number | undefined;
  readonly closedThrough: number;
  private readonly snapshot: Snapshot;
  private readonly watermarkMs: number | undefined;

  constructor(
    snapshot: Snapshot,
    partitionCount: number,
    configs: ConfigHistory,
    closedThrough: number,
  ) {
    this.snapshot = snapshot;
    this.closedThrough = closedThrough;
    this.watermarkMs = serviceWatermarkMs(snapshot.progress, partitionCount);
    this.finalThrough = finalThroughMinute(this.watermarkMs, configs);
  }

  fields(range: MinuteRange, restated: RestatedView): Finality {
    return {
      status: statusOf(range, this, restated),
      final_through: this.finalThrough === undefined ? null : formatMinute(this.finalThrough),
      watermark: this.watermarkMs === undefined ? null : formatTime(this.watermarkMs),
      as_of: this.snapshot.asOf,
    };
  }
}
