/** What is kept no more, in the plainest way. */
import type { ControlRecord, RetentionControl } from "../../model/log-record.ts";
import { dayMs, dayOfMinute, minutesADay } from "../../model/time.ts";
import { RecomputingOracle } from "./oracle-recompute.ts";

export class RetainingOracle extends RecomputingOracle {
  readonly droppedMinutes = new Set<number>();

  /** The ledger of receipts on the days before is kept no more. */
  get firstLedgerDay(): number {
    return Math.max(...[...this.droppedMinutes].map((day) => this.droppedRaw.get(day)! + 1));
  }

  protected override applyControl(record: ControlRecord, offset: number): void {
    super.applyControl(record, offset);
    if (record.control.type === "retention") this.applyRetention(record.control);
  }

  /** Both the day and its newest receipt must be past the limit; of days with expired clicks alone, theirs. */
  private applyRetention(control: RetentionControl): void {
    const byDay = Map.groupBy(this.clicks, ({ minute }) => dayOfMinute(minute));
    for (const [day, clicks] of byDay) {
      const lasting = clicks.filter(({ outcome }) => outcome !== "expired");
      const receipts = (lasting.length > 0 ? lasting : clicks).map((click) => click.receivedAtMs);
      const newest = Math.floor(Math.max(...receipts) / dayMs);
      const isPast = (before: number): boolean => day < before && newest < before;
      if (!this.droppedRaw.has(day) && isPast(control.raw_before_day) && this.isOver(day))
        this.droppedRaw.set(day, newest);
      // What came after its clicks were dropped was never kept.
      const receivedDay = this.droppedRaw.get(day) ?? Infinity;
      if (day < control.minute_before_day && receivedDay < control.minute_before_day)
        this.droppedMinutes.add(day);
    }
  }

  /** Final to its last minute, and none of its ids recent. */
  private isOver(day: number): boolean {
    const lastMinute = (day + 1) * minutesADay - 1;
    return this.isFinal(lastMinute) && lastMinute < this.firstRecentMinute();
  }
}
