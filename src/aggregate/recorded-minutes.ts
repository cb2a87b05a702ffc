import type { ClicksRecord } from "../model/log-record.ts";
import { minuteOf } from "../model/time.ts";

/** Minutes noted one by one, at most: some three months. */
const singleMinutesMax = 1 << 17;

/**
 * The minutes of which a partition may have recorded clicks: a superset. Of any other there is nothing to ask the store, and
 * an import changes no number that was told; which of a history in order of time is true of nearly every minute.
 */
export class RecordedMinutes {
  /** All from `firstMinute` to `lastMinute`, and single ones outside. At first all that there are. */
  private firstMinute = -Infinity;
  private lastMinute = Infinity;
  private readonly singles = new Set<number>();

  /** Of what the store holds, before anything is added; `extent`: undefined where it is empty. */
  begin(extent: { readonly firstMinute: number; readonly lastMinute: number } | undefined): void {
    this.firstMinute = extent?.firstMinute ?? Infinity;
    this.lastMinute = extent?.lastMinute ?? -Infinity;
    this.singles.clear();
  }

  mayHave(minute: number): boolean {
    return (minute >= this.firstMinute && minute <= this.lastMinute) || this.singles.has(minute);
  }

  /** Live clicks with all that lies between them and what is known, for they are near each other; an import minute by minute. */
  note({ history, batch: { clickTimestamps, rowCount } }: ClicksRecord): void {
    let last = NaN;
    for (let row = 0; row < rowCount; row++) {
      const minute = minuteOf(clickTimestamps[row]!);
      if (minute === last) continue;
      if (history) this.add(minute);
      else this.extendTo(minute);
      last = minute;
    }
  }

  add(minute: number): void {
    if (this.mayHave(minute)) return;
    this.singles.add(minute);
    if (this.singles.size <= singleMinutesMax) return;
    for (const single of this.singles) this.extendTo(single);
    this.singles.clear();
  }

  private extendTo(minute: number): void {
    if (minute < this.firstMinute) this.firstMinute = minute;
    if (minute > this.lastMinute) this.lastMinute = minute;
  }
}
