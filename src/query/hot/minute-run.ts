/**
 * Rows of one minute, sorted and packed: a sorted run, immutable. Built from unsorted rows, or from two runs.
 *
 * adKeys     distinct, ascending
 * adTotals   the sum of each ad's rows: what an unfiltered Top-N adds up, without touching the rows
 * detail     each ad's rows `[rowStarts[i], rowStarts[i + 1])`, ascending by combination; a combination is the
 *            code of a row's dimension keys in the minute's CombinationTable
 *
 * A row takes 4 bytes (8 from 65,536 combinations on), an ad 8 to 10 in addition.
 */

import { freeMemory } from "../../runtime/free-memory.ts";
import { packCounts, RunWriter } from "./run-writer.ts";
import { sortedOrder } from "./sorted-order.ts";

/** As narrow as the values allow; Float64 keeps whole numbers exact up to 2^53. */
export type PackedCounts = Uint16Array | Int32Array | Float64Array;
export type PackedCodes = Uint16Array | Int32Array;

export interface MinuteRun {
  readonly rowCount: number;
  readonly adKeys: Int32Array;
  readonly adTotals: PackedCounts;
  /** Absent where the minute keeps totals only. */
  readonly detail: RunDetail | undefined;
}

export interface RunDetail {
  readonly rowStarts: PackedCodes;
  readonly combinations: PackedCodes;
  readonly counts: PackedCounts;
}

/** Columns of unsorted rows; several rows may have the same ad and combination. */
export interface UnsortedRows {
  readonly rowCount: number;
  readonly adKeys: Int32Array;
  readonly combinations: Int32Array;
  readonly counts: Float64Array;
}

export function runOfRows(rows: UnsortedRows, withDetail: boolean): MinuteRun {
  const order = sortedOrder(rows.rowCount, rows.adKeys, rows.combinations);
  const writer = new RunWriter(rows.rowCount);
  for (let i = 0; i < rows.rowCount; i++) {
    const row = order[i]!;
    writer.add(rows.adKeys[row]!, rows.combinations[row]!, rows.counts[row]!);
  }
  return writer.finish(withDetail);
}

export function mergeRuns(a: MinuteRun, b: MinuteRun): MinuteRun {
  if (!a.detail || !b.detail) return mergeTotals(a, b);
  const writer = new RunWriter(a.rowCount + b.rowCount);
  let i = 0;
  let j = 0;
  while (i < a.adKeys.length || j < b.adKeys.length) {
    const adA = i < a.adKeys.length ? a.adKeys[i]! : Infinity;
    const adB = j < b.adKeys.length ? b.adKeys[j]! : Infinity;
    if (adA < adB) writer.addRows(adA, a.detail, i++);
    else if (adB < adA) writer.addRows(adB, b.detail, j++);
    else writer.addMerged(adA, a.detail, i++, b.detail, j++);
  }
  return writer.finish(true);
}

/** The run without its rows. */
export function totalsOf(run: MinuteRun): MinuteRun {
  return { ...run, rowCount: run.adKeys.length, detail: undefined };
}

export function runBytes({ adKeys, adTotals, detail }: MinuteRun): number {
  return adKeys.byteLength + adTotals.byteLength + (detail ? detailBytes(detail) : 0);
}

export function detailBytes({ rowStarts, combinations, counts }: RunDetail): number {
  return rowStarts.byteLength + combinations.byteLength + counts.byteLength;
}

/** Index of the ad in `adKeys`, or of the first one after it. */
export function lowerBound(adKeys: Int32Array, adKey: number): number {
  let low = 0;
  let high = adKeys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (adKeys[middle]! < adKey) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Beyond all keys. */
const noAd = 0x7fff_ffff;

/** The totals of both by ad, without rows. */
export function mergeTotals(a: MinuteRun, b: MinuteRun): MinuteRun {
  const countA = a.adKeys.length;
  const countB = b.adKeys.length;
  const adKeys = new Int32Array(countA + countB);
  const totals = new Float64Array(countA + countB);
  let count = 0;
  for (let i = 0, j = 0; i < countA || j < countB;) {
    const adA = i < countA ? a.adKeys[i]! : noAd;
    const adB = j < countB ? b.adKeys[j]! : noAd;
    let total = 0;
    if (adA <= adB) total += a.adTotals[i++]!;
    if (adB <= adA) total += b.adTotals[j++]!;
    if (total === 0) continue;
    adKeys[count] = Math.min(adA, adB);
    totals[count++] = total;
  }
  const merged = {
    rowCount: count,
    adKeys: adKeys.slice(0, count),
    adTotals: packCounts(totals.subarray(0, count)),
    detail: undefined,
  };
  freeMemory(adKeys);
  freeMemory(totals);
  return merged;
}
