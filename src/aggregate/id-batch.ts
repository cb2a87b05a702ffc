/** Ids on their way into a segment of the recent tier, to be merged all at once. */

import { freeMemory } from "../runtime/free-memory.ts";
import { doubled } from "./doubled.ts";
import { identityWords } from "./identity.ts";
import type { SortedIds } from "./recent-segment.ts";
import { homeOf } from "./recent-segment.ts";

const initialRoom = 64;

export class IdBatch {
  private minutes = new Int32Array(initialRoom);
  private hashes = new Uint32Array(initialRoom * identityWords);
  private count = 0;
  private readonly countMax: number;

  constructor(countMax: number) {
    this.countMax = countMax;
  }

  get isFull(): boolean {
    return this.count >= this.countMax;
  }

  add(words: Uint32Array, at: number, minute: number): void {
    const row = this.count++;
    if (row === this.minutes.length) {
      this.hashes = doubled(this.hashes);
      this.minutes = doubled(this.minutes);
    }
    for (let word = 0; word < identityWords; word++)
      this.hashes[row * identityWords + word] = words[at + word]!;
    this.minutes[row] = minute;
  }

  /** Gives its memory back. */
  free(): void {
    freeMemory(this.hashes);
    freeMemory(this.minutes);
  }

  sorted(): SortedIds {
    return { count: this.count, hashes: this.hashes, minutes: this.minutes, rows: this.rows() };
  }

  /** Hashes lie evenly: a counting sort by as many ranges as there are ids leaves little to put right. */
  private rows(): Uint32Array {
    const { count, hashes } = this;
    const ends = new Uint32Array(count + 1);
    for (let row = 0; row < count; row++) ends[rangeOf(hashes, row, count) + 1]!++;
    for (let range = 0; range < count; range++) ends[range + 1]! += ends[range]!;
    const rows = new Uint32Array(count);
    for (let row = 0; row < count; row++) rows[ends[rangeOf(hashes, row, count)]!++] = row;
    for (let i = 1; i < count; i++) {
      const row = rows[i]!;
      const order = orderOf(hashes, row);
      let at = i;
      for (; at > 0 && orderOf(hashes, rows[at - 1]!) > order; at--) rows[at] = rows[at - 1]!;
      rows[at] = row;
    }
    return rows;
  }
}

function orderOf(hashes: Uint32Array, row: number): number {
  return hashes[row * identityWords + 1]!;
}

function rangeOf(hashes: Uint32Array, row: number, ranges: number): number {
  return homeOf(orderOf(hashes, row), ranges);
}
