/**
 * The recent tier of dedup: an exact set of (identity hash, event hour) in memory, at most 24 bytes an id.
 *
 * 256 segments by the hash's first byte; each is an array of 16-byte hashes kept in the order of their second
 * word by linear probing (Amble and Knuth, "Ordered hash tables", 1974): a miss, which is what 95 % of
 * the look-ups are, ends at the first larger entry, so that the table can be 85 % full; and growing is one
 * pass in order, so that it can grow by small steps. Both is what keeps it below 24 bytes an id.
 */

import { identityWords } from "./identity.ts";

const segmentCount = 256;
const loadMax = 0.85;
const growth = 1.18;
const initialCapacity = 32;
const two32 = 4_294_967_296;

/** A stretch of entries after the last home slot, so that probing never wraps around. */
function slackOf(capacity: number): number {
  return 32 + (capacity >>> 5);
}

class Segment {
  /** Home slots; the arrays hold slackOf(capacity) more. */
  capacity = initialCapacity;
  count = 0;
  hashes = new Uint32Array((initialCapacity + slackOf(initialCapacity)) * identityWords);
  /** Event hour mod 256 by slot. */
  hours = new Uint8Array(initialCapacity + slackOf(initialCapacity));
}

export class RecentIds {
  private readonly segments = Array.from({ length: segmentCount }, () => new Segment());
  /** Hours in the table lie in `[baseHour, baseHour + 256)`. */
  private baseHour: number;
  private idCount = 0;
  private byteCount: number;

  constructor(baseHour: number) {
    this.baseHour = baseHour;
    this.byteCount = this.segments.reduce((sum, segment) => sum + bytesOf(segment), 0);
  }

  get size(): number {
    return this.idCount;
  }

  get bytes(): number {
    return this.byteCount;
  }

  /** The first hour that the table holds; ids of earlier ones are elsewhere. */
  get firstHour(): number {
    return this.baseHour;
  }

  /** True where the identity is there with this very hour, or with any hour from `recentHour` on. */
  has(words: Uint32Array, at: number, hour: number, recentHour: number): boolean {
    const segment = this.segments[words[at]! >>> 24]!;
    const slot = firstNotBelow(segment, words[at + 1]!);
    return this.matches(segment, slot, words, at, hour, recentHour);
  }

  /** Adds the identity with its hour unless `has` holds; false where it held. */
  add(words: Uint32Array, at: number, hour: number, recentHour: number): boolean {
    const segment = this.segments[words[at]! >>> 24]!;
    const slot = firstNotBelow(segment, words[at + 1]!);
    if (this.matches(segment, slot, words, at, hour, recentHour)) return false;
    this.insertAt(segment, slot, words, at, hour);
    return true;
  }

  /** Calls `visit` with every id whose hour is before `beforeHour`, then forgets them; the table starts there. */
  sweep(beforeHour: number, visit: (words: Uint32Array, at: number, hour: number) => void): void {
    if (beforeHour <= this.baseHour) return;
    for (const segment of this.segments) this.sweepSegment(segment, beforeHour, visit);
    this.baseHour = beforeHour;
  }

  /** Ids by hour from firstHour on, for sizing what takes them over. */
  countByHour(): Map<number, number> {
    const counts = new Map<number, number>();
    for (const { hashes, hours } of this.segments) {
      for (let slot = 0; slot < hours.length; slot++) {
        if (hashes[slot * identityWords + 1] === 0) continue;
        const hour = this.hourOfTag(hours[slot]!);
        counts.set(hour, (counts.get(hour) ?? 0) + 1);
      }
    }
    return counts;
  }

  private hourOfTag(tag: number): number {
    return this.baseHour + ((tag - this.baseHour) & 255);
  }

  /** Looks through the entries from `slot` on that share the second word. */
  private matches(
    segment: Segment,
    slot: number,
    words: Uint32Array,
    at: number,
    hour: number,
    recentHour: number,
  ): boolean {
    const { hashes, hours } = segment;
    const order = words[at + 1]!;
    for (let i = slot * identityWords; hashes[i + 1] === order; i += identityWords) {
      if (
        hashes[i] === words[at] &&
        hashes[i + 2] === words[at + 2] &&
        hashes[i + 3] === words[at + 3]
      ) {
        const known = this.hourOfTag(hours[i >>> 2]!);
        if (known === hour || known >= recentHour) return true;
      }
    }
    return false;
  }

  private insertAt(
    segment: Segment,
    slot: number,
    words: Uint32Array,
    at: number,
    hour: number,
  ): void {
    const { hashes, hours } = segment;
    let end = slot;
    while (hashes[end * identityWords + 1] !== 0) end++;
    if (end >= hours.length - 1) {
      this.grow(segment);
      this.insertAt(segment, firstNotBelow(segment, words[at + 1]!), words, at, hour);
      return;
    }
    for (let i = end * identityWords - 1, start = slot * identityWords; i >= start; i--) {
      hashes[i + identityWords] = hashes[i]!;
    }
    for (let i = end; i > slot; i--) hours[i] = hours[i - 1]!;
    for (let i = 0; i < identityWords; i++) hashes[slot * identityWords + i] = words[at + i]!;
    hours[slot] = hour & 255;
    segment.count++;
    this.idCount++;
    if (segment.count > segment.capacity * loadMax) this.grow(segment);
  }

  private grow(segment: Segment): void {
    this.rebuild(segment, Math.ceil(segment.capacity * growth) + 1, () => true);
  }

  private sweepSegment(
    segment: Segment,
    beforeHour: number,
    visit: (words: Uint32Array, at: number, hour: number) => void,
  ): void {
    let kept = 0;
    const { hashes, hours } = segment;
    for (let slot = 0; slot < hours.length; slot++) {
      if (hashes[slot * identityWords + 1] === 0) continue;
      const hour = this.hourOfTag(hours[slot]!);
      if (hour < beforeHour) visit(hashes, slot * identityWords, hour);
      else kept++;
    }
    this.idCount -= segment.count - kept;
    segment.count = kept;
    const capacity = Math.max(initialCapacity, Math.ceil((kept / loadMax) * Math.sqrt(growth)));
    this.rebuild(segment, capacity, (slot) => this.hourOfTag(hours[slot]!) >= beforeHour);
  }

  /** Moves the entries that stay, in order, into arrays of another capacity. */
  private rebuild(segment: Segment, capacity: number, stays: (slot: number) => boolean): void {
    const { hashes, hours } = segment;
    let slots = capacity + slackOf(capacity);
    for (;;) {
      const newHashes = new Uint32Array(slots * identityWords);
      const newHours = new Uint8Array(slots);
      if (moveEntries(hashes, hours, newHashes, newHours, capacity, stays)) {
        this.byteCount -= bytesOf(segment);
        segment.capacity = capacity;
        segment.hashes = newHashes;
        segment.hours = newHours;
        this.byteCount += bytesOf(segment);
        return;
      }
      slots += slackOf(capacity);
    }
  }
}

function bytesOf(segment: Segment): number {
  return segment.hashes.byteLength + segment.hours.byteLength;
}

/** The first slot from the home on that is empty or holds a second word not below `order`. */
function firstNotBelow(segment: Segment, order: number): number {
  const { hashes } = segment;
  let i = Math.floor((order / two32) * segment.capacity) * identityWords + 1;
  for (;;) {
    const found = hashes[i]!;
    if (found === 0 || found >= order) return (i - 1) >>> 2;
    i += identityWords;
  }
}

/** False where the entries do not fit, with at least one empty slot left at the end. */
function moveEntries(
  hashes: Uint32Array,
  hours: Uint8Array,
  newHashes: Uint32Array,
  newHours: Uint8Array,
  capacity: number,
  stays: (slot: number) => boolean,
): boolean {
  let next = 0;
  for (let slot = 0; slot < hours.length; slot++) {
    const order = hashes[slot * identityWords + 1]!;
    if (order === 0 || !stays(slot)) continue;
    const target = Math.max(next, Math.floor((order / two32) * capacity));
    if (target >= newHours.length - 1) return false;
    for (let i = 0; i < identityWords; i++) {
      newHashes[target * identityWords + i] = hashes[slot * identityWords + i]!;
    }
    newHours[target] = hours[slot]!;
    next = target + 1;
  }
  return true;
}
