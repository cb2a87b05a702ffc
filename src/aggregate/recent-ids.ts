/**
 * The recent tier of dedup: an exact set of (identity hash, event minute) in memory, at most 24 bytes an id.
 *
 * 256 segments by the hash's first byte; each is an array of 16-byte hashes kept in the order of their second
 * word by linear probing (Amble and Knuth, "Ordered hash tables", 1974): a miss, which is what 95 % of
 * the look-ups are, ends at the first larger entry, so that the table can be 85 % full; and growing is one
 * pass in order, so that it can grow by small steps. Both is what keeps it below 24 bytes an id.
 *
 * A minute is told by 16 bits: 8 beside the hash, and 8 in place of the hash's first byte, which is the segment.
 *
 * A sweep forgets the ids of early minutes segment by segment, as far as it is let at a time, so that the fold
 * never stops for the whole table. While it is under way each segment knows from which minute on it is complete.
 */

import { identityWords } from "./identity.ts";

const segmentCount = 256;
const loadMax = 0.85;
const growth = 1.18;
const initialCapacity = 32;
const two32 = 4_294_967_296;

/** Minutes that can be told apart: those in the table lie within so many of its first. */
export const minutesToldApart = 65_536;

/** Whether an identity is known already, and by what. */
export const Known = { not: 0, sameMinute: 1, otherMinute: 2 } as const;
export type Known = (typeof Known)[keyof typeof Known];

export type VisitId = (words: Uint32Array, at: number, minute: number) => void;

/** A stretch of entries after the last home slot, so that probing never wraps around. */
function slackOf(capacity: number): number {
  return 32 + (capacity >>> 5);
}

class Segment {
  readonly firstByte: number;
  /** Ids of earlier minutes are elsewhere. */
  firstMinute: number;
  /** Home slots; the arrays hold slackOf(capacity) more. */
  capacity = initialCapacity;
  count = 0;
  /** The high byte of an entry's first word is the high byte of its minute. */
  hashes = new Uint32Array((initialCapacity + slackOf(initialCapacity)) * identityWords);
  /** The low byte of the minute by slot. */
  minutes = new Uint8Array(initialCapacity + slackOf(initialCapacity));

  constructor(firstByte: number, firstMinute: number) {
    this.firstByte = firstByte;
    this.firstMinute = firstMinute;
  }

  minuteAt(slot: number): number {
    const tag = ((this.hashes[slot * identityWords]! >>> 24) << 8) | this.minutes[slot]!;
    return this.firstMinute + ((tag - this.firstMinute) & (minutesToldApart - 1));
  }
}

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
  private readonly swept = new Uint32Array(identityWords);

  constructor(firstMinute: number) {
    this.segments = Array.from({ length: segmentCount }, (_, i) => new Segment(i, firstMinute));
    this.sweepsTo = firstMinute;
    this.byteCount = this.segments.reduce((sum, segment) => sum + bytesOf(segment), 0);
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
    const slot = firstNotBelow(segment, words[at + 1]!);
    return findFrom(segment, slot, words, at, minute, recentMinute);
  }

  /** As `find`; adds the identity with its minute where it is not known. */
  add(words: Uint32Array, at: number, minute: number, recentMinute: number): Known {
    const segment = this.segments[words[at]! >>> 24]!;
    const slot = firstNotBelow(segment, words[at + 1]!);
    const known = findFrom(segment, slot, words, at, minute, recentMinute);
    if (known !== Known.not) return known;
    this.insertAt(segment, slot, words, at, minute);
    this.countOne(minute);
    return Known.not;
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
      ids += segment.count;
      this.sweepSegment(segment, visit);
      const needed = Math.ceil((segment.count / loadMax) * Math.sqrt(growth));
      const capacity = Math.max(initialCapacity, needed);
      if (segment.capacity > capacity * spareMax) this.rebuild(segment, capacity);
    }
    if (this.isSweeping) return;
    for (const minute of this.counts.keys()) if (minute < this.sweepsTo) this.counts.delete(minute);
    this.newestMinute = Number.NaN;
  }

  private countOne(minute: number): void {
    if (minute !== this.newestMinute) {
      this.newestMinute = minute;
      const known = this.counts.get(minute);
      this.newestCount = known ?? { ids: 0 };
      if (!known) this.counts.set(minute, this.newestCount);
    }
    this.newestCount.ids++;
  }

  private insertAt(
    segment: Segment,
    slot: number,
    words: Uint32Array,
    at: number,
    minute: number,
  ): void {
    const { hashes, minutes } = segment;
    let end = slot;
    while (hashes[end * identityWords + 1] !== 0) end++;
    if (end >= minutes.length - 1) {
      this.grow(segment);
      this.insertAt(segment, firstNotBelow(segment, words[at + 1]!), words, at, minute);
      return;
    }
    for (let i = end * identityWords - 1, start = slot * identityWords; i >= start; i--) {
      hashes[i + identityWords] = hashes[i]!;
    }
    for (let i = end; i > slot; i--) minutes[i] = minutes[i - 1]!;
    for (let i = 1; i < identityWords; i++) hashes[slot * identityWords + i] = words[at + i]!;
    hashes[slot * identityWords] = (words[at]! & 0xffffff) | (((minute >>> 8) & 255) << 24);
    minutes[slot] = minute & 255;
    segment.count++;
    this.idCount++;
    if (segment.count > segment.capacity * loadMax) this.grow(segment);
  }

  private grow(segment: Segment): void {
    this.rebuild(segment, Math.ceil(segment.capacity * growth) + 1);
  }

  /** In place: what stays moves towards its home slot, never away from it. */
  private sweepSegment(segment: Segment, visit: VisitId): void {
    const { hashes, minutes, capacity } = segment;
    if (segment.count === 0) {
      segment.firstMinute = this.sweepsTo;
      return;
    }
    let next = 0;
    let kept = 0;
    for (let slot = 0, i = 0; slot < minutes.length; slot++, i += identityWords) {
      const order = hashes[i + 1]!;
      if (order === 0) continue;
      const minute = segment.minuteAt(slot);
      if (minute < this.sweepsTo) {
        this.swept[0] = (hashes[i]! & 0xffffff) | (segment.firstByte << 24);
        for (let word = 1; word < identityWords; word++) this.swept[word] = hashes[i + word]!;
        hashes[i + 1] = 0;
        visit(this.swept, 0, minute);
        continue;
      }
      const target = Math.max(next, homeOf(order, capacity));
      if (target !== slot) {
        for (let word = 0; word < identityWords; word++) {
          hashes[target * identityWords + word] = hashes[i + word]!;
        }
        minutes[target] = minutes[slot]!;
        hashes[i + 1] = 0;
      }
      next = target + 1;
      kept++;
    }
    this.idCount -= segment.count - kept;
    segment.count = kept;
    segment.firstMinute = this.sweepsTo;
  }

  /** Moves the entries, in order, into arrays of another capacity. */
  private rebuild(segment: Segment, capacity: number): void {
    let slots = capacity + slackOf(capacity);
    for (;;) {
      const newHashes = new Uint32Array(slots * identityWords);
      const newMinutes = new Uint8Array(slots);
      if (moveEntries(segment, newHashes, newMinutes, capacity)) {
        this.byteCount -= bytesOf(segment);
        segment.capacity = capacity;
        segment.hashes = newHashes;
        segment.minutes = newMinutes;
        this.byteCount += bytesOf(segment);
        return;
      }
      slots += slackOf(capacity);
    }
  }
}

function bytesOf(segment: Segment): number {
  return segment.hashes.byteLength + segment.minutes.byteLength;
}

function homeOf(order: number, capacity: number): number {
  return Math.floor((order / two32) * capacity);
}

/** The first slot from the home on that is empty or holds a second word not below `order`. */
function firstNotBelow(segment: Segment, order: number): number {
  const { hashes } = segment;
  let i = homeOf(order, segment.capacity) * identityWords + 1;
  for (;;) {
    const found = hashes[i]!;
    if (found === 0 || found >= order) return (i - 1) >>> 2;
    i += identityWords;
  }
}

/** Looks through the entries from `slot` on that share the second word. */
function findFrom(
  segment: Segment,
  slot: number,
  words: Uint32Array,
  at: number,
  minute: number,
  recentMinute: number,
): Known {
  const { hashes } = segment;
  const order = words[at + 1]!;
  let found: Known = Known.not;
  for (let i = slot * identityWords; hashes[i + 1] === order; i += identityWords) {
    if (
      ((hashes[i]! ^ words[at]!) & 0xffffff) === 0 &&
      hashes[i + 2] === words[at + 2] &&
      hashes[i + 3] === words[at + 3]
    ) {
      const known = segment.minuteAt(i >>> 2);
      if (known === minute) return Known.sameMinute;
      if (known >= recentMinute) found = Known.otherMinute;
    }
  }
  return found;
}

/** False where the entries do not fit, with at least one empty slot left at the end. */
function moveEntries(
  { hashes, minutes }: Segment,
  newHashes: Uint32Array,
  newMinutes: Uint8Array,
  capacity: number,
): boolean {
  let next = 0;
  for (let slot = 0; slot < minutes.length; slot++) {
    const order = hashes[slot * identityWords + 1]!;
    if (order === 0) continue;
    const target = Math.max(next, homeOf(order, capacity));
    if (target >= newMinutes.length - 1) return false;
    for (let i = 0; i < identityWords; i++) {
      newHashes[target * identityWords + i] = hashes[slot * identityWords + i]!;
    }
    newMinutes[target] = minutes[slot]!;
    next = target + 1;
  }
  return true;
}
