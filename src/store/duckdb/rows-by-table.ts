/** Which rows of a commit's clicks go to which raw table: by the UTC day of their event time, expired ones apart. */

import type { Commit, DecidedClicks } from "../../model/commit.ts";
import { Outcome } from "../../model/outcome.ts";
import { dayMs } from "../../model/time.ts";
import type { RowSelection } from "./append-columns.ts";

export interface Slice {
  readonly clicks: DecidedClicks;
  /** Position of the record's first row. */
  readonly firstPosition: number;
  readonly rowCount: number;
  /** rowCount rows of the record; absent = all. */
  readonly rows: RowSelection;
}

export interface RowsByTable {
  readonly byDay: ReadonlyMap<number, readonly Slice[]>;
  readonly expired: readonly Slice[];
  /** Day of the earliest and of the latest click of each record, in the order of the commit. */
  readonly daysOfRecords: readonly { readonly first: number; readonly last: number }[];
  readonly rowCount: number;
}

/** The slot of expired rows, in place of a day. */
const expiredSlot = -1;

export function rowsByTable(commit: Commit, firstPosition: number): RowsByTable {
  const slices = new Map<number, Slice[]>();
  const daysOfRecords: { first: number; last: number }[] = [];
  let position = firstPosition;
  for (const clicks of commit.clicks) {
    const { rowCount } = clicks.batch;
    const days = dayRange(clicks.batch.clickTimestamps, rowCount);
    daysOfRecords.push(days);
    for (const [slot, rows] of split(clicks, days)) {
      const slice = { clicks, firstPosition: position, rowCount: rows?.length ?? rowCount, rows };
      const sameSlot = slices.get(slot);
      if (sameSlot) sameSlot.push(slice);
      else slices.set(slot, [slice]);
    }
    position += rowCount;
  }
  const expired = slices.get(expiredSlot) ?? [];
  slices.delete(expiredSlot);
  return { byDay: slices, expired, daysOfRecords, rowCount: position - firstPosition };
}

/** The days of a commit, without the work of splitting it. */
export function daysOf(commit: Commit): { days: Set<number>; expired: boolean } {
  const days = new Set<number>();
  let expired = false;
  for (const { batch, outcomes } of commit.clicks) {
    let last = NaN;
    for (let row = 0; row < batch.rowCount; row++) {
      if (outcomes[row] === Outcome.expired) {
        expired = true;
        continue;
      }
      const day = Math.floor(batch.clickTimestamps[row]! / dayMs);
      if (day !== last) days.add((last = day));
    }
  }
  return { days, expired };
}

function dayRange(timestamps: Float64Array, rowCount: number): { first: number; last: number } {
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
  days: { first: number; last: number },
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
