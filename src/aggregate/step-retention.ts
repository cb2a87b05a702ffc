/**
 * Retention: days that have been kept long enough are dropped, their clicks first, their counts later. A day goes when
 * both it and the newest receipt among its clicks are past the limit, so that what was imported lately stays its time.
 * What is decided here holds from the record's commit on; when the rows are deleted is the store's own affair.
 */

import type { DroppedDay } from "../model/commit.ts";
import type { DayReceipt } from "../model/dropped-days.ts";
import type { RetentionControl } from "../model/log-record.ts";
import { dayOfMinute } from "../model/time.ts";
import { recentMinuteOf } from "./deduplicate.ts";
import type { Effects } from "./effects.ts";
import type { PartitionState } from "./state.ts";

/**
 * Only days before this one may go, whatever the clock of who asks says: what is not final yet may still change, and
 * ids of the recent tier are rebuilt from the clicks.
 */
export function droppableBeforeDay(state: PartitionState, beforeDay: number): number {
  const { watermark, shared } = state;
  const recentMinute = recentMinuteOf(shared.configs, watermark.ms);
  return Math.min(beforeDay, dayOfMinute(Math.min(watermark.finalBeforeMinute, recentMinute)));
}

/** `receipts`: the store's answer as of the commit right before the record, of the droppable days. */
export function stepRetention(
  state: PartitionState,
  { raw_before_day: rawBefore, minute_before_day: minuteBefore }: RetentionControl,
  receipts: readonly DayReceipt[],
  effects: Effects,
): void {
  const { partition, dropped } = state;
  const drop = (what: DroppedDay["what"], { day, receivedDay }: DayReceipt): void => {
    const entry = { partition, day, what, receivedDay };
    dropped.add(entry);
    effects.droppedDays.push(entry);
  };
  for (const receipt of receipts) {
    if (!dropped.raw.has(receipt.day) && receipt.receivedDay < rawBefore) drop("raw", receipt);
  }
  for (const [day, receivedDay] of dropped.raw) {
    if (dropped.minutes.has(day)) continue;
    if (day < minuteBefore && receivedDay < minuteBefore) drop("minute", { day, receivedDay });
  }
}
