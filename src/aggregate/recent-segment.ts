/**
 * One of the 256 tables of the recent tier: 16-byte hashes kept in the order of their second word by linear probing
 * (Amble and Knuth, "Ordered hash tables", 1974), each with its minute in 16 bits; see recent-ids.ts for why.
 */

import { freeMemory } from "../runtime/free-memory.ts";
import { identityWords } from "./identity.ts";

const loadMax = 0.85;
const growth = 1.18;
const initialCapacity = 32;
const two32 = 4_294_967_296;

/** Minutes that can be told apart: those in the table lie within so many of its first. */
export const minutesToldApart = 65_536;

export type VisitId = (words: Uint32Array, at: number, minute: number) => void;

/** Ids to be merged into a segment, ascending by the second word of their hash. */
export interface SortedIds {
  readonly count: number;
  /** The rows in order. */
  readonly rows: Uint32Array;
  /** By row. */
  readonly hashes: Uint32Array;
  /** Epoch minutes by row. */
  readonly minutes: Int32Array;
}

const noIds: SortedIds = {
  count: 0,
  rows: new Uint32Array(0),
  hashes: new Uint32Array(0),
  minutes: new Int32Array(0),
};

export class Segment {
  readonly firstByte: number;
  /** Ids of earlier minutes are elsewhere. */
  firstMinute: number;
  count = 0;
  /** Home slots; the arrays hold slackOf(capacity) more. */
  private capacity = initialCapacity;
  /** The high byte of an entry's first word is the high byte of its minute. */
  private hashes = new Uint32Array(slotsOf(initialCapacity) * identityWords);
  /** The low byte of the minute by slot. */
  private minutes = new Uint8Array(slotsOf(initialCapacity));

  constructor(firstByte: number, firstMinute: number) {
    this.firstByte = firstByte;
    this.firstMinute = firstMinute;
  }

  get bytes(): number {
    return this.hashes.byteLength + this.minutes.byteLength;
  }

  minuteAt(slot: number): number {
    const tag = ((this.hashes[slot * identityWords]! >>> 24) << 8) | this.minutes[slot]!;
    return this.firstMinute + ((tag - this.firstMinute) & (minutesToldApart - 1));
  }

  /** The first slot from the home on that is empty or holds a second word not below `order`. */
  firstNotBelow(order: number): number {
    const { hashes } = this;
    let i = homeOf(order, this.capacity) * identityWords + 1;
    for (;;) {
      const found = hashes[i]!;
      if (found === 0 || found >= order) return (i - 1) >>> 2;
      i += identityWords;
    }
  }

  /** The next slot from this one on that holds this hash; -1 where there is none. */
  slotOf(from: number, words: Uint32Array, at: number): number {
    const { hashes } = this;
    const order = words[at + 1]!;
    for (let i = from * identityWords; hashes[i + 1] === order; i += identityWords)
      if (isSameHash(hashes, i, words, at)) return i >>> 2;
    return -1;
  }

  /** Adds an id at the slot that `firstNotBelow` has told. */
  insertAt(slot: number, words: Uint32Array, at: number, minute: number): void {
    const { hashes, minutes } = this;
    let end = slot;
    while (hashes[end * identityWords + 1] !== 0) end++;
    if (end >= minutes.length - 1) {
      this.grow();
      this.insertAt(this.firstNotBelow(words[at + 1]!), words, at, minute);
      return;
    }
    for (let i = end * identityWords - 1, start = slot * identityWords; i >= start; i--) {
      hashes[i + identityWords] = hashes[i]!;
    }
    for (let i = end; i > slot; i--) minutes[i] = minutes[i - 1]!;
    putId(hashes, minutes, slot, words, at, minute);
    this.count++;
    if (this.count > this.capacity * loadMax) this.grow();
  }

  /** Adds ids all at once. Calls `known` with the rows of those that are here with the same minute, and are not added. */
  merge(ids: SortedIds, known: (row: number) => void): void {
    const knownRows = this.rebuild(capacityFor(this.count + ids.count), ids);
    this.count += ids.count - knownRows.length;
    for (const row of knownRows) known(row);
  }

  /**
   * Forgets the ids of the minutes before and calls `visit` with each. In place: what stays moves towards its home slot,
   * never away from it.
   */
  forgetBefore(firstMinute: number, visit: VisitId): void {
    const { hashes, minutes, capacity } = this;
    const forgotten = new Uint32Array(identityWords);
    let next = 0;
    let kept = 0;
    for (let slot = 0, i = 0; slot < minutes.length; slot++, i += identityWords) {
      const order = hashes[i + 1]!;
      if (order === 0) continue;
      const minute = this.minuteAt(slot);
      if (minute < firstMinute) {
        forgotten[0] = (hashes[i]! & 0xffffff) | (this.firstByte << 24);
        for (let word = 1; word < identityWords; word++) forgotten[word] = hashes[i + word]!;
        hashes[i + 1] = 0;
        visit(forgotten, 0, minute);
        continue;
      }
      const target = Math.max(next, homeOf(order, capacity));
      if (target !== slot) {
        moveId(hashes, minutes, slot, hashes, minutes, target);
        hashes[i + 1] = 0;
      }
      next = target + 1;
      kept++;
    }
    this.count = kept;
    this.firstMinute = firstMinute;
  }

  /** Gives back room beyond `spareMax` times what its ids need. */
  shrink(spareMax: number): void {
    const capacity = capacityFor(this.count);
    if (this.capacity > capacity * spareMax) this.rebuild(capacity, noIds);
  }

  private grow(): void {
    this.rebuild(Math.ceil(this.capacity * growth) + 1, noIds);
  }

  /** Moves the entries, in order, into arrays of another capacity, and `ids` among them but for the rows it returns. */
  private rebuild(capacity: number, ids: SortedIds): readonly number[] {
    for (let slots = slotsOf(capacity); ; slots += slackOf(capacity)) {
      const hashes = new Uint32Array(slots * identityWords);
      const minutes = new Uint8Array(slots);
      const knownRows = this.mergeInto(hashes, minutes, capacity, ids);
      if (!knownRows) continue;
      freeMemory(this.hashes);
      freeMemory(this.minutes);
      this.capacity = capacity;
      this.hashes = hashes;
      this.minutes = minutes;
      return knownRows;
    }
  }

  /** Undefined where the entries do not fit, with at least one empty slot left at the end. */
  private mergeInto(
    hashes: Uint32Array,
    minutes: Uint8Array,
    capacity: number,
    ids: SortedIds,
  ): readonly number[] | undefined {
    const knownRows: number[] = [];
    const slots = this.minutes.length;
    let next = 0;
    let at = 0;
    let idOrder = orderAt(ids, at);
    for (let slot = 0; slot <= slots; slot++) {
      const order = slot < slots ? this.hashes[slot * identityWords + 1]! : two32;
      if (order === 0) continue;
      // Those of the same second word come behind the ones that are here, where they find them.
      while (idOrder < order) {
        const row = ids.rows[at]!;
        const target = Math.max(next, homeOf(idOrder, capacity));
        if (target >= minutes.length - 1) return undefined;
        if (isThere(hashes, minutes, next, ids, row)) knownRows.push(row);
        else {
          putId(hashes, minutes, target, ids.hashes, row * identityWords, ids.minutes[row]!);
          next = target + 1;
        }
        idOrder = orderAt(ids, ++at);
      }
      if (slot === slots) break;
      const target = Math.max(next, homeOf(order, capacity));
      if (target >= minutes.length - 1) return undefined;
      moveId(this.hashes, this.minutes, slot, hashes, minutes, target);
      next = target + 1;
    }
    return knownRows;
  }
}

/** A stretch of entries after the last home slot, so that probing never wraps around. */
function slackOf(capacity: number): number {
  return 32 + (capacity >>> 5);
}

function slotsOf(capacity: number): number {
  return capacity + slackOf(capacity);
}

function capacityFor(count: number): number {
  return Math.max(initialCapacity, Math.ceil((count / loadMax) * Math.sqrt(growth)));
}

/** Where a second word lies among so many slots that share all of them evenly. */
export function homeOf(order: number, capacity: number): number {
  return Math.floor((order / two32) * capacity);
}

/** Beyond all words behind the last. */
function orderAt(ids: SortedIds, at: number): number {
  return at < ids.count ? ids.hashes[ids.rows[at]! * identityWords + 1]! : two32;
}

/** But for the first byte, in whose place the minute is. */
function isSameHash(hashes: Uint32Array, i: number, words: Uint32Array, at: number): boolean {
  return (
    ((hashes[i]! ^ words[at]!) & 0xffffff) === 0 &&
    hashes[i + 2] === words[at + 2] &&
    hashes[i + 3] === words[at + 3]
  );
}

/** Whether the id is among those of the same second word right before this slot. */
function isThere(
  hashes: Uint32Array,
  minutes: Uint8Array,
  slot: number,
  ids: SortedIds,
  row: number,
): boolean {
  const at = row * identityWords;
  const minute = ids.minutes[row]!;
  for (let before = slot - 1; before >= 0; before--) {
    const i = before * identityWords;
    if (hashes[i + 1] !== ids.hashes[at + 1]) return false;
    if (
      isSameHash(hashes, i, ids.hashes, at) &&
      hashes[i]! >>> 24 === ((minute >>> 8) & 255) &&
      minutes[before] === (minute & 255)
    )
      return true;
  }
  return false;
}

function putId(
  hashes: Uint32Array,
  minutes: Uint8Array,
  slot: number,
  words: Uint32Array,
  at: number,
  minute: number,
): void {
  const i = slot * identityWords;
  hashes[i] = (words[at]! & 0xffffff) | (((minute >>> 8) & 255) << 24);
  for (let word = 1; word < identityWords; word++) hashes[i + word] = words[at + word]!;
  minutes[slot] = minute & 255;
}

function moveId(
  fromHashes: Uint32Array,
  fromMinutes: Uint8Array,
  from: number,
  hashes: Uint32Array,
  minutes: Uint8Array,
  to: number,
): void {
  for (let word = 0; word < identityWords; word++)
    hashes[to * identityWords + word] = fromHashes[from * identityWords + word]!;
  minutes[to] = fromMinutes[from]!;
}
