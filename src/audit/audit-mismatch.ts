import { formatMinute } from "../model/time.ts";
import type { RecountDifference, RecountResult } from "../store/click-store.ts";

/** A final bucket whose minute rows are not what its raw clicks come to. */
export class AuditMismatch extends Error {
  override readonly name = "AuditMismatch";
  /** Epoch minute. */
  readonly minute: number;
  readonly differingRows: number;
  /** The first of them. */
  readonly differences: readonly RecountDifference[];

  constructor(
    minute: number,
    { differingRows, differences }: Pick<RecountResult, "differingRows" | "differences">,
  ) {
    const rest = differingRows - differences.length;
    super(
      `in minute ${formatMinute(minute)} ${differingRows} rows differ: ` +
        differences.map(describeDifference).join("; ") +
        (rest > 0 ? `; and ${rest} more` : ""),
    );
    this.minute = minute;
    this.differingRows = differingRows;
    this.differences = differences;
  }

  /** Whether it is the same finding, so that nobody needs to be told again. */
  equals(other: AuditMismatch): boolean {
    return this.message === other.message;
  }
}

function describeDifference(difference: RecountDifference): string {
  const { adId, dimensions, rawCount, minuteCount } = difference;
  const key = JSON.stringify({ ad_id: adId, ...dimensions });
  return `${key} has ${rawCount} raw clicks and is counted ${minuteCount} times`;
}
