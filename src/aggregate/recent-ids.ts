/**
 * The recent tier of dedup: an exact set of (identity hash, event minute) in memory, at most 24 bytes an id.
 *
 * 256 segments by the hash's first byte, each a table in order (recent-segment.ts): a miss, which is what 95 % of the
 * look-ups are, ends at the first larger entry, so that the table can be 85 % full; and growing is one pass in order, so
 * that it can grow by small steps. Both is what keeps it below 24 bytes an id.
 *
 * A minute is told by 16 bits: 8 beside the hash, and 8 in place of the hash's first byte, which is the segment.
 *
 * A sweep forgets the ids of early minutes segment by segment, as far as it is let at a time, so that the fold
 * never stops for the whole table. While it is under way each segment knows from which minute on it is complete.
 */

import { IdBatch } from "./id-batch.ts";
import type { VisitId } from "./recent-segment.ts";
import { Segment } from "./recent-segment.ts";

const segmentCount = 256;

/**
 * Ids that are loaded go into their segment this many at a time, or this share of what it has: what waits takes no more
 * than the table itself will.
 */
const batchMin = 1_024;
const batchShare = 0.5;

/** Whether an identity is known already, and by what. */
export const Known = { not: 0, sameMinute: 1, otherMinute: 2 } as const;
export type Known = (typeof Known)[keyof typeof Known];

export class RecentIds {
  private readonly segments: readonly Segment[];
  /** Segments below `sweptCount` are complete from here on, the others from where the last sweep ended. */
  private sweepsTo: number;
  private sweptCount = segmentCount;
  private idCount = 0;
  private byteCount: number;
  private readonly counts = new Map<number, { ids: number }>();
  /** Of the minute that was added to last: clicks of a minute come together. */
  private newestCount = { ids: 0 };
  private newestMinute = Number.NaN;
  /** By segment, while ids are loaded. */
  private readonly batches: (IdBatch | undefined)[] = [];

  constructor(firstMinute: number) {
    this.segments = Array.from({ length: segmentCount }, (_, i) => new Segment(i, firstMinute));
    this.sweepsTo = firstMinute;
    this.byteCount = this.segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get size(): number {
    return this.idCount;
  }

  get bytes(): number {
    return this.byteCount;
  }

  /** The first minute that every segment holds. */
  get firstMinute(): number {
    return this.sweepsTo;
  }

  /** The first minute that any segment holds. */
  get earliestMinute(): number {
    return this.segments.at(-1)!.firstMinute;
  }

  get isSweeping(): boolean {
    return this.sweptCount < segmentCount;
  }

  /** Whether ids of this minute are here, for identities like this one. */
  holds(words: Uint32Array, at: number, minute: number): boolean {
    return minute >= this.sweepsTo || minute >= this.segments[words[at]! >>> 24]!.firstMinute;
  }

  /** Whether the identity is there with this very minute, or with any minute from `recentMinute` on. */
  find(words: Uint32Array, at: number, minute: number, recentMinute: number): Known {
    const segment = this.segments[words[at]! >>> 24]!;
    const slot = segment.firstNotBelow(words[at + 1]!);
    return findFrom(segment, slot, words, at, minute, recentMinute);
  }

  /** As `find`; adds the identity with its minute where it is not known. */
  add(words: Uint32Array, at: number, minute: number, recentMinute: number): Known {
    const segment = this.segments[words[at]! >>> 24]!;
    const slot = segment.firstNotBelow(words[at + 1]!);
    const known = findFrom(segment, slot, words, at, minute, recentMinute);
    if (known !== Known.not) return known;
    const { bytes } = segment;
    segment.insertAt(slot, words, at, minute);
    this.byteCount += segment.bytes - bytes;
    this.idCount++;
    this.countOf(minute).ids++;
    return Known.not;
  }

  /**
   * Adds the identity with its minute unless that is there, but not at once: nothing may be asked of the table before
   * `endLoad`. Half the time of `add` where there are many.
   */
  load(words: Uint32Array, at: number, minute: number): void {
    const index = words[at]! >>> 24;
    const batch = (this.batches[index] ??= this.newBatch(index));
    batch.add(words, at, minute);
    this.countOf(minute).ids++;
    if (batch.isFull) this.mergeBatch(index);
  }

  /** Puts in what is left over of the loads, in about so many segments; true once none is left. */
  endLoad(segmentsMax = Infinity): boolean {
    for (let done = 0; done < segmentsMax; done++) {
      const index = this.batches.findIndex((batch) => batch !== undefined);
      if (index < 0) return true;
      this.mergeBatch(index);
    }
    return false;
  }

  /** Ids by minute, for sizing what takes them over. Not exact while a sweep is under way. */
  countByMinute(): ReadonlyMap<number, { readonly ids: number }> {
    return this.counts;
  }

  /** Begins to forget the ids of the minutes before this one; `sweep` goes on with it. */
  beginSweep(beforeMinute: number): void {
    if (beforeMinute <= this.sweepsTo) return;
    this.sweepsTo = beforeMinute;
    this.sweptCount = 0;
  }

  /**
   * Goes on with the sweep over about this many ids, and calls `visit` with every id that it forgets. Room that
   * they leave is kept for the next ones up to `spareMax` times what the rest needs.
   */
  sweep(idsMax: number, spareMax: number, visit: VisitId): void {
    for (let ids = 0; ids < idsMax && this.sweptCount < segmentCount; this.sweptCount++) {
      const segment = this.segments[this.sweptCount]!;
      const { count, bytes } = segment;
      ids += count;
      segment.forgetBefore(this.sweepsTo, visit);
      segment.shrink(spareMax);
      this.idCount += segment.count - count;
      this.byteCount += segment.bytes - bytes;
    }
    if (this.isSweeping) return;
    for (const minute of this.counts.keys()) if (minute < this.sweepsTo) this.counts.delete(minute);
    this.newestMinute = Number.NaN;
  }

  private countOf(minute: number): { ids: number } {
    if (minute !== this.newestMinute) {
      this.newestMinute = minute;
      const known = this.counts.get(minute);
      this.newestCount = known ?? { ids: 0 };
      if (!known) this.counts.set(minute, this.newestCount);
    }
    return this.newestCount;
  }

  private newBatch(index: number): IdBatch {
    return new IdBatch(Math.max(batchMin, Math.ceil(this.segments[index]!.count * batchShare)));
  }

  private mergeBatch(index: number): void {
    const batch = this.batches[index];
    if (!batch) return;
    this.batches[index] = undefined;
    const segment = this.segments[index]!;
    const { count, bytes } = segment;
    const ids = batch.sorted();
    segment.merge(ids, (row) => this.countOf(ids.minutes[row]!).ids--);
    batch.free();
    this.idCount += segment.count - count;
    this.byteCount += segment.bytes - bytes;
  }
}

/** Looks through the entries from `slot` on that have this hash. */
function findFrom(
  segment: Segment,
  slot: number,
  words: Uint32Array,
  at: number,
  minute: number,
  recentMinute: number,
): Known {
  let found: Known = Known.not;
  for (
    let next = segment.slotOf(slot, words, at);
    next >= 0;
    next = segment.slotOf(next + 1, words, at)
  ) {
    const known = segment.minuteAt(next);
    if (known === minute) return Known.sameMinute;
    if (known >= recentMinute) found = Known.otherMinute;
  }
  return found;
}
