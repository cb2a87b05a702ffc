/**
 * Which rows of a commit's clicks go to which raw table: to that of the UTC day of their event time, expired ones
 * apart. A commit that spans many days, as an import may, would touch a table for each; so days with few rows go
 * into one table together, from which they are moved later (settle.ts).
 */

import type { Commit, DecidedClicks } from "../../model/commit.ts";
import { Outcome } from "../../model/outcome.ts";
import { dayMs } from "../../model/time.ts";
import type { RowSelection } from "./append-columns.ts";

export interface Slice {
  readonly clicks: DecidedClicks;
  /** The commit's rows before the record's first. */
  readonly rowsBefore: number;
  readonly rowCount: number;
  /** rowCount rows of the record; absent = all. */
  readonly rows: RowSelection;
}

export interface RowsByTable {
  readonly byDay: ReadonlyMap<number, readonly Slice[]>;
  readonly scattered: readonly Slice[];
  readonly expired: readonly Slice[];
  /** Day of the earliest and of the latest click of each record, in the order of the commit. */
  readonly daysOfRecords: readonly DayRange[];
  readonly rowCount: number;
}

interface DayRange {
  readonly first: number;
  readonly last: number;
}

/** A commit of no more days goes to their tables whatever there is of each. */
const daysOfDirectCommitMax = 4;
/** Of more days, only those with at least so many rows go to their table at once. */
export const rowsOfDirectDayMin = 4_096;

/** The slot of expired rows, in place of a day. */
const expiredSlot = -1;

export function rowsByTable(commit: Commit): RowsByTable {
  const slices = new Map<number, Slice[]>();
  const daysOfRecords: DayRange[] = [];
  let rowCount = 0;
  for (const clicks of commit.clicks) {
    const days = dayRange(clicks.batch.clickTimestamps, clicks.batch.rowCount);
    daysOfRecords.push(days);
    for (const [slot, rows] of split(clicks, days)) {
      const count = rows?.length ?? clicks.batch.rowCount;
      const slice = { clicks, rowsBefore: rowCount, rowCount: count, rows };
      const sameSlot = slices.get(slot);
      if (sameSlot) sameSlot.push(slice);
      else slices.set(slot, [slice]);
    }
    rowCount += clicks.batch.rowCount;
  }
  const expired = slices.get(expiredSlot) ?? [];
  slices.delete(expiredSlot);
  return { ...divide(slices), expired, daysOfRecords, rowCount };
}

function divide(
  slices: ReadonlyMap<number, readonly Slice[]>,
): Pick<RowsByTable, "byDay" | "scattered"> {
  if (slices.size <= daysOfDirectCommitMax) return { byDay: slices, scattered: [] };
  const isDirect = (day: readonly Slice[]) =>
    day.reduce((sum, slice) => sum + slice.rowCount, 0) >= rowsOfDirectDayMin;
  return {
    byDay: new Map([...slices].filter(([, day]) => isDirect(day))),
    scattered: [...slices.values()].filter((day) => !isDirect(day)).flat(),
  };
}

function dayRange(timestamps: Float64Array, rowCount: number): DayRange {
  let min = Infinity;
  let max = -Infinity;
  for (let row = 0; row < rowCount; row++) {
    const timestamp = timestamps[row]!;
    if (timestamp < min) min = timestamp;
    if (timestamp > max) max = timestamp;
  }
  if (rowCount === 0) return { first: 0, last: -1 };
  return { first: Math.floor(min / dayMs), last: Math.floor(max / dayMs) };
}

function split(
  { batch, outcomes }: DecidedClicks,
  days: DayRange,
): Iterable<[number, RowSelection]> {
  const { rowCount, clickTimestamps } = batch;
  if (rowCount === 0) return [];
  if (days.first === days.last && outcomes.indexOf(Outcome.expired) === -1) {
    return [[days.first, undefined]];
  }
  const counts = new Map<number, number>();
  const slots = new Int32Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    const isExpired = outcomes[row] === Outcome.expired;
    const slot = isExpired ? expiredSlot : Math.floor(clickTimestamps[row]! / dayMs);
    slots[row] = slot;
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
  }
  const selections = new Map([...counts].map(([slot, count]) => [slot, new Int32Array(count)]));
  const filled = new Map<number, number>();
  for (let row = 0; row < rowCount; row++) {
    const slot = slots[row]!;
    const at = filled.get(slot) ?? 0;
    selections.get(slot)![at] = row;
    filled.set(slot, at + 1);
  }
  return selections;
}
