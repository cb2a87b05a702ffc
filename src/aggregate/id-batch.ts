/** Ids on their way into a segment of the recent tier, to be merged all at once. */

import { identityWords } from "./identity.ts";
import type { SortedIds } from "./recent-segment.ts";

const two32 = 4_294_967_296;

export class IdBatch {
  readonly minutes: Int32Array;
  private readonly hashes: Uint32Array;
  private readonly room: number;
  private count = 0;

  constructor(room: number) {
    this.room = room;
    this.hashes = new Uint32Array(room * identityWords);
    this.minutes = new Int32Array(room);
  }

  get isFull(): boolean {
    return this.count === this.room;
  }

  add(words: Uint32Array, at: number, minute: number): void {
    const row = this.count++;
    for (let word = 0; word < identityWords; word++)
      this.hashes[row * identityWords + word] = words[at + word]!;
    this.minutes[row] = minute;
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
  return Math.floor((orderOf(hashes, row) / two32) * ranges);
}
