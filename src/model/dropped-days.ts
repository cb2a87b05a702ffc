import type { DroppedDay } from "./commit.ts";
import { dayMs } from "./time.ts";

/** A day with clicks, and that of their newest receipt; see ClickStore.newestReceipts. Epoch days. */
export type DayReceipt = Pick<DroppedDay, "day" | "receivedDay">;

/** Days of event time that are kept no more: of one partition, or of any. */
export class DroppedDays {
  /** Day of the newest receipt, by day. */
  readonly raw = new Map<number, number>();
  readonly minutes = new Set<number>();
  /** The ledger of receipts on the days before goes with the counts of what was received. */
  firstLedgerDay = -Infinity;
  /** Nothing from this time on (epoch ms) was dropped. */
  private endMs = -Infinity;

  constructor(days: readonly DroppedDay[]) {
    for (const day of days) this.add(day);
  }

  add({ day, what, receivedDay }: DroppedDay): void {
    if (what === "minute") {
      this.minutes.add(day);
      this.firstLedgerDay = Math.max(this.firstLedgerDay, receivedDay + 1);
    } else this.raw.set(day, Math.max(receivedDay, this.raw.get(day) ?? -Infinity));
    this.endMs = Math.max(this.endMs, (day + 1) * dayMs);
  }

  /** Whether the clicks of the day that this time (epoch ms) lies in were dropped. Asked at every click. */
  hasTime(timeMs: number): boolean {
    return timeMs < this.endMs && this.raw.has(Math.floor(timeMs / dayMs));
  }

  /** The first day after those of `[firstDay, lastDay]` that were dropped; undefined where none of them was. */
  firstKeptAfter(what: DroppedDay["what"], firstDay: number, lastDay: number): number | undefined {
    if (firstDay * dayMs >= this.endMs) return undefined;
    let latest: number | undefined;
    for (const day of (what === "raw" ? this.raw : this.minutes).keys())
      if (day >= firstDay && day <= lastDay && day > (latest ?? -Infinity)) latest = day;
    return latest === undefined ? undefined : latest + 1;
  }
}
