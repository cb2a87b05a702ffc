import type { RecordedClose } from "../store/click-store.ts";
import type { ClosedPeriod } from "../store/closed-periods.ts";
import { closedPeriods, visibilityOf } from "../store/closed-periods.ts";
import type { Visibility } from "../store/visibility.ts";

export interface Closed {
  /** Ascending. */
  readonly periods: readonly ClosedPeriod[];
  /** The minutes before are closed; -Infinity where none is. */
  readonly through: number;
  /** Undefined where nothing is closed. */
  readonly visibility: Visibility | undefined;
}

/** The list only grows. */
function keyOf(closes: readonly RecordedClose[]): string {
  return `${closes.length} ${closes.at(-1)?.asOf}`;
}

/** What is closed as of some commit, by the closes up to it: the same list of them is read once. */
export class ClosedMinutes {
  private readonly partitionCount: number;
  private known: { readonly key: string; readonly closed: Closed };

  constructor(partitionCount: number) {
    this.partitionCount = partitionCount;
    this.known = { key: keyOf([]), closed: this.read([]) };
  }

  of(closes: readonly RecordedClose[]): Closed {
    const key = keyOf(closes);
    if (key !== this.known.key) this.known = { key, closed: this.read(closes) };
    return this.known.closed;
  }

  private read(closes: readonly RecordedClose[]): Closed {
    const periods = closedPeriods(closes, this.partitionCount);
    const through = periods.at(-1)?.throughMinute ?? -Infinity;
    return { periods, through, visibility: visibilityOf(periods) };
  }
}
