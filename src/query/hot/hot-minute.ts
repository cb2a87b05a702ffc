import { CombinationTable } from "./combination-table.ts";
import { detailBytes, mergeRuns, runBytes, runOfRows, totalsOf } from "./minute-run.ts";
import type { MinuteRun, UnsortedRows } from "./minute-run.ts";

/** Rows that one minute holds unsorted, at most. */
const tailRowsMax = 16_384;
const tailRowBytes = 16;
/** What a minute takes beside its columns: objects and the map entry. */
const overheadBytes = 1024;

/**
 * The rows of one minute: an unsorted tail for what came last and sorted runs for the rest. A full tail becomes a
 * run and runs of like size are merged, so that a row is moved a logarithmic number of times and an ad is found by
 * a few binary searches; `settle` leaves one run and no tail.
 */
export class HotMinute {
  readonly minute: number;
  readonly combinations: CombinationTable;
  /** False where only the ads' totals are kept. */
  detailed = true;
  runs: MinuteRun[] = [];
  /** Number of the last commit that added rows. */
  touchedAt = 0;
  private tailKeys = new Int32Array(16);
  private tailCombinations = new Int32Array(16);
  private tailCounts = new Float64Array(16);
  private tailCount = 0;
  private sealedRowCount = 0;

  constructor(minute: number, dimensionNames: readonly string[]) {
    this.minute = minute;
    this.combinations = new CombinationTable(dimensionNames);
  }

  get isSettled(): boolean {
    return this.tailCount === 0 && this.runs.length <= 1;
  }

  /** The unsorted rows; valid until the next change. */
  get tail(): UnsortedRows {
    return {
      rowCount: this.tailCount,
      adKeys: this.tailKeys,
      combinations: this.tailCombinations,
      counts: this.tailCounts,
    };
  }

  get rowCount(): number {
    return this.sealedRowCount + this.tailCount;
  }

  get bytes(): number {
    let bytes = overheadBytes + this.combinations.bytes + this.tailKeys.length * tailRowBytes;
    for (const run of this.runs) bytes += runBytes(run);
    return bytes;
  }

  /** About what `dropDetail` would give back. */
  get detailBytes(): number {
    if (!this.detailed) return 0;
    let bytes = this.combinations.bytes + this.tailKeys.length * tailRowBytes;
    for (const { detail } of this.runs) if (detail) bytes += detailBytes(detail);
    return bytes;
  }

  add(adKey: number, combination: number, count: number): void {
    if (this.tailCount === this.tailKeys.length) this.makeRoom();
    this.tailKeys[this.tailCount] = adKey;
    this.tailCombinations[this.tailCount] = combination;
    this.tailCounts[this.tailCount++] = count;
  }

  settle(): void {
    this.sealTail();
    while (this.runs.length > 1) this.mergeLastTwo();
    this.tailKeys = new Int32Array(16);
    this.tailCombinations = new Int32Array(16);
    this.tailCounts = new Float64Array(16);
  }

  /** Keeps only what unfiltered queries need. */
  dropDetail(): void {
    this.settle();
    this.detailed = false;
    this.runs = this.runs.map(totalsOf);
    this.combinations.clear();
    this.countSealedRows();
  }

  private makeRoom(): void {
    const capacity = this.tailKeys.length;
    if (capacity >= tailRowsMax) {
      this.sealTail();
      return;
    }
    const keys = new Int32Array(capacity * 2);
    keys.set(this.tailKeys);
    this.tailKeys = keys;
    const combinations = new Int32Array(capacity * 2);
    combinations.set(this.tailCombinations);
    this.tailCombinations = combinations;
    const counts = new Float64Array(capacity * 2);
    counts.set(this.tailCounts);
    this.tailCounts = counts;
  }

  private sealTail(): void {
    if (this.tailCount === 0) return;
    this.runs.push(runOfRows(this.tail, this.detailed));
    this.tailCount = 0;
    while (this.runs.length > 1 && this.runs.at(-1)!.rowCount >= this.runs.at(-2)!.rowCount)
      this.mergeLastTwo();
    this.countSealedRows();
  }

  private mergeLastTwo(): void {
    const last = this.runs.pop()!;
    this.runs.push(mergeRuns(this.runs.pop()!, last));
    this.countSealedRows();
  }

  private countSealedRows(): void {
    this.sealedRowCount = this.runs.reduce((sum, run) => sum + run.rowCount, 0);
  }
}
