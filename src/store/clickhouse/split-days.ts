/** A table by days gets a part for each day that an insert has rows of, each synced by itself: some 10 ms a day. */

import { dayOfMinute } from "../../model/time.ts";
import type { NativeBlock } from "./native-block.ts";
import { tables } from "./schema.ts";

/** Of one insert, so that none takes much longer than others do, however odd the times of clicks are. */
const daysMax = 250;

/** In the order of days; nearly always it is the block as it is. */
export function splitByDays(table: string, block: NativeBlock): readonly NativeBlock[] {
  if (tables[table]!.partitionBy === undefined) return [block];
  const minutes = block.int32(block.columns.findIndex(({ name }) => name === "minute"));
  const days = daysOf(minutes);
  if (days.length <= daysMax) return [block];
  const pieceOf = new Map(days.map((day, i) => [day, Math.floor(i / daysMax)]));
  const pieces: number[][] = [];
  for (const [row, minute] of minutes.entries())
    (pieces[pieceOf.get(dayOfMinute(minute))!] ??= []).push(row);
  return pieces.map((rows) => block.rowsAt(rows));
}

function daysOf(minutes: Int32Array): number[] {
  const days = new Set<number>();
  let last: number | undefined;
  for (const minute of minutes) {
    const day = dayOfMinute(minute);
    if (day !== last) days.add(day);
    last = day;
  }
  return [...days].toSorted((a, b) => a - b);
}
