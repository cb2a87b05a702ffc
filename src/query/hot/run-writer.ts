import { freeMemory } from "../../runtime/free-memory.ts";
import type { MinuteRun, PackedCodes, PackedCounts, RunDetail } from "./minute-run.ts";

/** Rows up to which the columns of a writer are kept for the next one. */
const writerRowsKept = 65_536;

class WriterColumns {
  readonly rowsMax: number;
  readonly adKeys: Int32Array;
  readonly totals: Float64Array;
  readonly rowStarts: Int32Array;
  readonly combinations: Int32Array;
  readonly counts: Float64Array;

  constructor(rowsMax: number) {
    this.rowsMax = rowsMax;
    this.adKeys = new Int32Array(rowsMax);
    this.totals = new Float64Array(rowsMax);
    this.rowStarts = new Int32Array(rowsMax + 1);
    this.combinations = new Int32Array(rowsMax);
    this.counts = new Float64Array(rowsMax);
  }

  free(): void {
    const { adKeys, totals, rowStarts, combinations, counts } = this;
    for (const column of [adKeys, totals, rowStarts, combinations, counts]) freeMemory(column);
  }
}

const keptColumns = new WriterColumns(writerRowsKept);

/**
 * Takes rows ascending by ad and combination, adds up equal ones and leaves out what comes to 0. One at a time, for
 * they share columns.
 */
export class RunWriter {
  private readonly columns: WriterColumns;
  private readonly adKeys: Int32Array;
  private readonly totals: Float64Array;
  private readonly rowStarts: Int32Array;
  private readonly combinations: Int32Array;
  private readonly counts: Float64Array;
  private adCount = 0;
  private rowCount = 0;

  constructor(rowsMax: number) {
    const columns = rowsMax <= writerRowsKept ? keptColumns : new WriterColumns(rowsMax);
    this.columns = columns;
    this.adKeys = columns.adKeys;
    this.totals = columns.totals;
    this.rowStarts = columns.rowStarts;
    this.combinations = columns.combinations;
    this.counts = columns.counts;
  }

  add(adKey: number, combination: number, count: number): void {
    if (this.adCount === 0 || this.adKeys[this.adCount - 1] !== adKey) this.beginAd(adKey);
    const ad = this.adCount - 1;
    this.totals[ad]! += count;
    const last = this.rowCount - 1;
    if (last >= this.rowStarts[ad]! && this.combinations[last] === combination) {
      this.counts[last]! += count;
      return;
    }
    this.combinations[this.rowCount] = combination;
    this.counts[this.rowCount++] = count;
  }

  /** All rows of one ad of a run. */
  addRows(adKey: number, { rowStarts, combinations, counts }: RunDetail, ad: number): void {
    const end = rowStarts[ad + 1]!;
    for (let row = rowStarts[ad]!; row < end; row++)
      this.add(adKey, combinations[row]!, counts[row]!);
  }

  /** The rows of one ad of two runs. */
  addMerged(adKey: number, a: RunDetail, adA: number, b: RunDetail, adB: number): void {
    let i = a.rowStarts[adA]!;
    let j = b.rowStarts[adB]!;
    const endA = a.rowStarts[adA + 1]!;
    const endB = b.rowStarts[adB + 1]!;
    while (i < endA || j < endB) {
      if (j >= endB || (i < endA && a.combinations[i]! <= b.combinations[j]!)) {
        this.add(adKey, a.combinations[i]!, a.counts[i]!);
        i++;
      } else {
        this.add(adKey, b.combinations[j]!, b.counts[j]!);
        j++;
      }
    }
  }

  finish(withDetail: boolean): MinuteRun {
    this.rowStarts[this.adCount] = this.rowCount;
    this.dropZeros();
    const run = this.pack(withDetail);
    if (this.columns !== keptColumns) this.columns.free();
    return run;
  }

  private pack(withDetail: boolean): MinuteRun {
    const { adCount, rowCount } = this;
    const adKeys = this.adKeys.slice(0, adCount);
    const adTotals = packCounts(this.totals.subarray(0, adCount));
    if (!withDetail) return { rowCount: adCount, adKeys, adTotals, detail: undefined };
    const detail = {
      rowStarts: packCodes(this.rowStarts.subarray(0, adCount + 1)),
      combinations: packCodes(this.combinations.subarray(0, rowCount)),
      counts: packCounts(this.counts.subarray(0, rowCount)),
    };
    return { rowCount, adKeys, adTotals, detail };
  }

  private beginAd(adKey: number): void {
    this.adKeys[this.adCount] = adKey;
    this.totals[this.adCount] = 0;
    this.rowStarts[this.adCount] = this.rowCount;
    this.adCount++;
  }

  /** Rows that negative counts brought to 0, and ads that have no row left. */
  private dropZeros(): void {
    if (!this.counts.subarray(0, this.rowCount).includes(0)) return;
    let ads = 0;
    let rows = 0;
    for (let ad = 0; ad < this.adCount; ad++) {
      const start = this.rowStarts[ad]!;
      const end = this.rowStarts[ad + 1]!;
      const keptFrom = rows;
      for (let row = start; row < end; row++) {
        if (this.counts[row] === 0) continue;
        this.combinations[rows] = this.combinations[row]!;
        this.counts[rows++] = this.counts[row]!;
      }
      if (rows === keptFrom) continue;
      this.adKeys[ads] = this.adKeys[ad]!;
      this.totals[ads] = this.totals[ad]!;
      this.rowStarts[ads++] = keptFrom;
    }
    this.rowStarts[ads] = rows;
    this.adCount = ads;
    this.rowCount = rows;
  }
}

export function packCounts(counts: Float64Array): PackedCounts {
  let lowest = 0;
  let highest = 0;
  for (let i = 0, length = counts.length; i < length; i++) {
    const count = counts[i]!;
    if (count < lowest) lowest = count;
    if (count > highest) highest = count;
  }
  if (lowest >= 0 && highest <= 0xffff) return new Uint16Array(counts);
  if (lowest >= -0x8000_0000 && highest <= 0x7fff_ffff) return new Int32Array(counts);
  return counts.slice();
}

function packCodes(codes: Int32Array): PackedCodes {
  let union = 0;
  for (let i = 0, length = codes.length; i < length; i++) union |= codes[i]!;
  return union <= 0xffff ? new Uint16Array(codes) : codes.slice();
}
