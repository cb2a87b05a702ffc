/**
 * How often each 128-bit id has come so far: open addressing with linear probing, 20 bytes a slot, at most 40 bytes
 * an id. Ids are hashes already, so their first word is the place to start.
 */

const wordsAnId = 4;
const loadMax = 0.75;
const growth = 1.5;

/** Rows without an event id that one file may have; they take up to 8 GB. */
const occurrenceIdsMax = 200_000_000;

export class OccurrenceTable {
  private capacity: number;
  private words: Uint32Array;
  /** 0 = an empty slot. */
  private counts: Uint32Array;
  private idCount = 0;

  constructor(capacity = 4096) {
    this.capacity = capacity;
    this.words = new Uint32Array(capacity * wordsAnId);
    this.counts = new Uint32Array(capacity);
  }

  get size(): number {
    return this.idCount;
  }

  /** Notes one more occurrence of the id `words[at .. at + 4)`; how many there are now, from 1. */
  add(words: Uint32Array, at: number): number {
    const slot = this.slotOf(words, at);
    const count = this.counts[slot]! + 1;
    this.counts[slot] = count;
    if (count > 1) return count;
    for (let i = 0; i < wordsAnId; i++) this.words[slot * wordsAnId + i] = words[at + i]!;
    if (++this.idCount > this.capacity * loadMax) this.grow();
    return 1;
  }

  /** The slot that holds the id, or the empty one where it belongs. */
  private slotOf(words: Uint32Array, at: number): number {
    const { counts, capacity } = this;
    const own = this.words;
    let slot = Math.floor((words[at]! / 4_294_967_296) * capacity);
    while (counts[slot] !== 0) {
      const i = slot * wordsAnId;
      if (
        own[i] === words[at] &&
        own[i + 1] === words[at + 1] &&
        own[i + 2] === words[at + 2] &&
        own[i + 3] === words[at + 3]
      ) {
        return slot;
      }
      if (++slot === capacity) slot = 0;
    }
    return slot;
  }

  private grow(): void {
    if (this.idCount > occurrenceIdsMax) {
      throw new RangeError(
        `more than ${occurrenceIdsMax} different rows without an event id in one file; give them event ids`,
      );
    }
    const { words, counts, capacity } = this;
    this.capacity = Math.ceil(capacity * growth);
    this.words = new Uint32Array(this.capacity * wordsAnId);
    this.counts = new Uint32Array(this.capacity);
    for (let slot = 0; slot < capacity; slot++) {
      if (counts[slot] === 0) continue;
      const to = this.slotOf(words, slot * wordsAnId);
      this.counts[to] = counts[slot]!;
      for (let i = 0; i < wordsAnId; i++)
        this.words[to * wordsAnId + i] = words[slot * wordsAnId + i]!;
    }
  }
}
