/**
 * Minute counts of one micro-batch: sums clicks by (minute, ad, minute dimensions, restated) in an open-addressing
 * table of columns, which are already what the store appends.
 */

import type { MinuteDeltas } from "../model/commit.ts";
import { freeMemory } from "../runtime/free-memory.ts";
import { doubled } from "./doubled.ts";

const initialRows = 512;

export class MinuteCounts {
  private readonly dimensionNames: string[];
  private rowCount = 0;
  /** Row + 1 by slot, 0 = empty. */
  private slots = new Int32Array(initialRows * 2);
  private rowHashes = new Int32Array(initialRows);
  private minutes = new Int32Array(initialRows);
  private adKeys = new Int32Array(initialRows);
  private restated = new Uint8Array(initialRows);
  private counts = new Int32Array(initialRows);
  private dimensionKeys: Int32Array<ArrayBuffer>[];

  constructor(dimensionNames: readonly string[]) {
    this.dimensionNames = [...dimensionNames];
    this.dimensionKeys = dimensionNames.map(() => new Int32Array(initialRows));
  }

  get rows(): number {
    return this.rowCount;
  }

  /**
   * The columns of a record in the order in which `add` takes them. A name that is new gets a column, in which
   * the rows so far miss: another partition's log may bring a configuration in the middle of a micro-batch.
   */
  align(
    dimensionKeys: ReadonlyMap<string, Int32Array>,
    clickCount: number,
  ): { readonly names: readonly string[]; readonly columns: readonly Int32Array[] } {
    for (const name of dimensionKeys.keys()) {
      if (this.dimensionNames.includes(name)) continue;
      this.dimensionNames.push(name);
      this.dimensionKeys.push(new Int32Array(this.minutes.length));
    }
    const names = this.dimensionNames;
    return {
      names,
      columns: names.map((name) => dimensionKeys.get(name) ?? new Int32Array(clickCount)),
    };
  }

  /**
   * Adds one click, or takes one away (-1). `columns[d][row]` is the key of dimension d; `mask[d]` false where the
   * minute's layout lacks it.
   */
  add(
    minute: number,
    adKey: number,
    columns: readonly Int32Array[],
    row: number,
    restated: number,
    mask: readonly boolean[] | undefined,
    change = 1,
  ): void {
    let hash = Math.imul(minute ^ (restated << 30), 0x9e3779b1) ^ Math.imul(adKey, 0x85ebca6b);
    for (let d = 0; d < columns.length; d++) {
      const key = mask === undefined || mask[d] ? columns[d]![row]! : 0;
      hash = Math.imul(hash ^ key, 0xc2b2ae35) ^ (hash >>> 15);
    }
    hash ^= hash >>> 13;
    const slotMask = this.slots.length - 1;
    let slot = hash & slotMask;
    for (let entry = this.slots[slot]!; entry !== 0; entry = this.slots[slot]!) {
      const at = entry - 1;
      if (
        this.rowHashes[at] === hash &&
        this.equals(at, minute, adKey, columns, row, restated, mask)
      ) {
        this.counts[at]! += change;
        return;
      }
      slot = (slot + 1) & slotMask;
    }
    this.slots[slot] = this.append(hash, minute, adKey, columns, row, restated, mask);
    this.counts[this.rowCount - 1] = change;
    if (this.rowCount * 2 > this.slots.length) this.growSlots();
  }

  /** The sums; `this` is done with. */
  build(): MinuteDeltas {
    const n = this.rowCount;
    freeMemory(this.slots);
    freeMemory(this.rowHashes);
    return {
      rowCount: n,
      minutes: this.minutes.subarray(0, n),
      adKeys: this.adKeys.subarray(0, n),
      dimensionKeys: new Map(
        this.dimensionNames.map(
          (name, d) => [name, this.dimensionKeys[d]!.subarray(0, n)] as const,
        ),
      ),
      counts: this.counts.subarray(0, n),
      restated: this.restated.subarray(0, n),
    };
  }

  private equals(
    at: number,
    minute: number,
    adKey: number,
    columns: readonly Int32Array[],
    row: number,
    restated: number,
    mask: readonly boolean[] | undefined,
  ): boolean {
    if (this.adKeys[at] !== adKey || this.minutes[at] !== minute || this.restated[at] !== restated)
      return false;
    for (let d = 0; d < columns.length; d++) {
      const key = mask === undefined || mask[d] ? columns[d]![row]! : 0;
      if (this.dimensionKeys[d]![at] !== key) return false;
    }
    return true;
  }

  private append(
    hash: number,
    minute: number,
    adKey: number,
    columns: readonly Int32Array[],
    row: number,
    restated: number,
    mask: readonly boolean[] | undefined,
  ): number {
    if (this.rowCount === this.minutes.length) this.growRows();
    const at = this.rowCount++;
    this.rowHashes[at] = hash;
    this.minutes[at] = minute;
    this.adKeys[at] = adKey;
    this.restated[at] = restated;
    for (let d = 0; d < columns.length; d++) {
      this.dimensionKeys[d]![at] = mask === undefined || mask[d] ? columns[d]![row]! : 0;
    }
    return at + 1;
  }

  private growRows(): void {
    this.rowHashes = doubled(this.rowHashes);
    this.minutes = doubled(this.minutes);
    this.adKeys = doubled(this.adKeys);
    this.counts = doubled(this.counts);
    this.dimensionKeys = this.dimensionKeys.map((keys) => doubled(keys));
    this.restated = doubled(this.restated);
  }

  private growSlots(): void {
    const { length } = this.slots;
    freeMemory(this.slots);
    this.slots = new Int32Array(length * 2);
    const mask = this.slots.length - 1;
    for (let row = 0; row < this.rowCount; row++) {
      let slot = this.rowHashes[row]! & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = row + 1;
    }
  }
}
