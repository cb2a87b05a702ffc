/**
 * The two loops that a Top-N spends its time in: adding a run's counts to sums by ad. Measured on Node 24: with the
 * bounds in constants and four elements a turn they run at about 1.5 ns an element, three times as fast as the plain
 * loop.
 */

import type { MinuteRun, PackedCodes, PackedCounts, RunDetail } from "./minute-run.ts";
import { lowerBound } from "./minute-run.ts";

/** Ads whose rows are summed up at a time. */
const adsAChunk = 2048;

/** Running sums of a chunk's rows. */
let prefixes = new Float64Array(4 * adsAChunk);

/**
 * Adds the counts of the ads `firstKey .. firstKey + length` to `sums[adKey - firstKey]`; of the rows whose
 * combination has a 1 in `mask`, or of all where there is no mask.
 */
export function addRun(
  sums: Float64Array,
  length: number,
  firstKey: number,
  run: MinuteRun,
  mask: Uint8Array | undefined,
): void {
  const { adKeys, adTotals, detail } = run;
  const from = adKeys[0]! >= firstKey ? 0 : lowerBound(adKeys, firstKey);
  const to =
    adKeys.at(-1)! < firstKey + length ? adKeys.length : lowerBound(adKeys, firstKey + length);
  if (!mask) addTotals(sums, firstKey, adKeys, adTotals, from, to);
  else if (detail) addMasked(sums, firstKey, adKeys, detail, from, to, mask);
  else throw new Error("a minute without detail was asked about dimensions");
}

function addTotals(
  sums: Float64Array,
  firstKey: number,
  adKeys: Int32Array,
  totals: PackedCounts,
  from: number,
  to: number,
): void {
  let ad = from;
  for (const end = to - 3; ad < end; ad += 4) {
    sums[adKeys[ad]! - firstKey]! += totals[ad]!;
    sums[adKeys[ad + 1]! - firstKey]! += totals[ad + 1]!;
    sums[adKeys[ad + 2]! - firstKey]! += totals[ad + 2]!;
    sums[adKeys[ad + 3]! - firstKey]! += totals[ad + 3]!;
  }
  for (; ad < to; ad++) sums[adKeys[ad]! - firstKey]! += totals[ad]!;
}

/**
 * Sums over the rows in one go, without a branch or an ad's end in the loop, then takes each ad's share as a
 * difference: short loops over the few rows of an ad would mispredict at almost every ad.
 */
function addMasked(
  sums: Float64Array,
  firstKey: number,
  adKeys: Int32Array,
  { rowStarts, combinations, counts }: RunDetail,
  from: number,
  to: number,
  mask: Uint8Array,
): void {
  for (let ad = from; ad < to; ad += adsAChunk) {
    const end = Math.min(to, ad + adsAChunk);
    const firstRow = rowStarts[ad]!;
    const rowCount = rowStarts[end]! - firstRow;
    if (prefixes.length <= rowCount) prefixes = new Float64Array(2 * rowCount + 1);
    fillPrefixes(prefixes, combinations, counts, mask, firstRow, rowCount);
    addDifferences(sums, firstKey, adKeys, rowStarts, prefixes, ad, end);
  }
}

/** `into[i]` = the sum of the first i rows. */
function fillPrefixes(
  into: Float64Array,
  combinations: PackedCodes,
  counts: PackedCounts,
  mask: Uint8Array,
  firstRow: number,
  rowCount: number,
): void {
  let sum = 0;
  let i = 0;
  into[0] = 0;
  for (const end = rowCount - 3; i < end; i += 4) {
    const row = firstRow + i;
    sum += mask[combinations[row]!]! * counts[row]!;
    into[i + 1] = sum;
    sum += mask[combinations[row + 1]!]! * counts[row + 1]!;
    into[i + 2] = sum;
    sum += mask[combinations[row + 2]!]! * counts[row + 2]!;
    into[i + 3] = sum;
    sum += mask[combinations[row + 3]!]! * counts[row + 3]!;
    into[i + 4] = sum;
  }
  for (; i < rowCount; i++) {
    sum += mask[combinations[firstRow + i]!]! * counts[firstRow + i]!;
    into[i + 1] = sum;
  }
}

function addDifferences(
  sums: Float64Array,
  firstKey: number,
  adKeys: Int32Array,
  rowStarts: PackedCodes,
  prefix: Float64Array,
  from: number,
  to: number,
): void {
  const firstRow = rowStarts[from]!;
  let before = 0;
  let ad = from;
  for (const end = to - 3; ad < end; ad += 4) {
    const a = prefix[rowStarts[ad + 1]! - firstRow]!;
    const b = prefix[rowStarts[ad + 2]! - firstRow]!;
    const c = prefix[rowStarts[ad + 3]! - firstRow]!;
    const d = prefix[rowStarts[ad + 4]! - firstRow]!;
    sums[adKeys[ad]! - firstKey]! += a - before;
    sums[adKeys[ad + 1]! - firstKey]! += b - a;
    sums[adKeys[ad + 2]! - firstKey]! += c - b;
    sums[adKeys[ad + 3]! - firstKey]! += d - c;
    before = d;
  }
  for (; ad < to; ad++) {
    const a = prefix[rowStarts[ad + 1]! - firstRow]!;
    sums[adKeys[ad]! - firstKey]! += a - before;
    before = a;
  }
}
