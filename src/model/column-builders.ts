/** The growing columns of a ClickBatchBuilder. Rows that were not set hold no value. */

import type { EventIdColumn, IpColumn, StringColumn } from "./click-batch.ts";
import { EventIdKind } from "./click-batch.ts";
import { parseIpInto } from "./ip.ts";
import { parseUuidInto } from "./uuid.ts";

const encoder = new TextEncoder();

/** Append-only strings, one after the other. */
class ByteHeap {
  bytes = new Uint8Array(4096);
  offsets = new Uint32Array(256);
  entryCount = 0;

  /** Appends `source[start .. end)` and returns the entry's index. */
  append(source: Uint8Array, start: number, end: number): number {
    const from = this.offsets[this.entryCount]!;
    const to = from + (end - start);
    if (to > this.bytes.length) this.growBytes(to);
    if (this.entryCount + 2 > this.offsets.length) this.growOffsets();
    if (end - start < 32) {
      const { bytes } = this;
      for (let i = start, j = from; i < end; i++, j++) bytes[j] = source[i]!;
    } else {
      this.bytes.set(source.subarray(start, end), from);
    }
    this.offsets[this.entryCount + 1] = to;
    return this.entryCount++;
  }

  equals(entry: number, source: Uint8Array, start: number, end: number): boolean {
    const from = this.offsets[entry]!;
    if (this.offsets[entry + 1]! - from !== end - start) return false;
    const { bytes } = this;
    for (let i = start, j = from; i < end; i++, j++) if (bytes[j] !== source[i]) return false;
    return true;
  }

  get usedBytes(): Uint8Array {
    return this.bytes.subarray(0, this.offsets[this.entryCount]!);
  }

  get usedOffsets(): Uint32Array {
    return this.offsets.subarray(0, this.entryCount + 1);
  }

  reset(): void {
    this.entryCount = 0;
  }

  private growBytes(needed: number): void {
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, needed));
    grown.set(this.bytes);
    this.bytes = grown;
  }

  private growOffsets(): void {
    this.offsets = grownWords(this.offsets, this.offsets.length * 2);
  }
}

export class StringColumnBuilder {
  readonly type = "string";
  private codes: Uint32Array<ArrayBuffer>;
  private readonly heap = new ByteHeap();
  private readonly interned: boolean;
  /** Open addressing, 1 + entry index, 0 = empty; only where interned. */
  private slots: Uint32Array<ArrayBuffer>;
  /** By entry. */
  private hashes: Uint32Array<ArrayBuffer>;

  /** `interned`: equal strings share an entry; else every value gets its own (for columns with few repeats). */
  constructor(capacity: number, interned: boolean) {
    this.codes = new Uint32Array(capacity);
    this.interned = interned;
    this.slots = new Uint32Array(interned ? slotsInitial : 0);
    this.hashes = new Uint32Array(interned ? slotsInitial : 0);
  }

  setText(row: number, text: string): void {
    const bytes = encoder.encode(text);
    this.set(row, bytes, 0, bytes.length);
  }

  /** Sets the row's value to the UTF-8 `source[start .. end)`. */
  set(row: number, source: Uint8Array, start: number, end: number): void {
    if (row >= this.codes.length) this.grow(this.codes.length * 2);
    this.codes[row] =
      1 + (this.interned ? this.intern(source, start, end) : this.heap.append(source, start, end));
  }

  clear(start: number, end: number): void {
    this.codes.fill(0, start, end);
  }

  grow(capacity: number): void {
    if (capacity > this.codes.length) this.codes = grownWords(this.codes, capacity);
  }

  /** Forgets everything; `rowCount` rows may have been set. */
  reset(rowCount: number): void {
    this.clear(0, rowCount);
    if (this.slots.length > slotsInitial && this.heap.entryCount * 16 < this.slots.length) {
      // Much too large for what comes now; clearing it would cost more than growing again.
      this.slots = new Uint32Array(slotsInitial);
    } else {
      this.slots.fill(0);
    }
    this.heap.reset();
  }

  /** Views that are valid until the builder is used again. */
  view(rowCount: number): StringColumn {
    const { heap } = this;
    return {
      type: "string",
      codes: this.codes.subarray(0, rowCount),
      offsets: heap.usedOffsets,
      bytes: heap.usedBytes,
      entryCount: heap.entryCount,
    };
  }

  private intern(source: Uint8Array, start: number, end: number): number {
    let hash = 0x811c9dc5;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i]!, 0x01000193);
    hash = (hash ^ (hash >>> 15)) >>> 0;
    const { slots, hashes, heap } = this;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (let code = slots[slot]!; code !== 0; code = slots[slot]!) {
      if (hashes[code - 1] === hash && heap.equals(code - 1, source, start, end)) return code - 1;
      slot = (slot + 1) & mask;
    }
    const entry = heap.append(source, start, end);
    slots[slot] = entry + 1;
    if (entry === hashes.length) this.hashes = grownWords(hashes, entry * 2);
    this.hashes[entry] = hash;
    if (heap.entryCount * 2 > slots.length) this.growSlots();
    return entry;
  }

  private growSlots(): void {
    const { hashes } = this;
    const slots = new Uint32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.heap.entryCount; entry++) {
      let slot = hashes[entry]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.slots = slots;
  }
}

const slotsInitial = 256;

export class IpColumnBuilder {
  readonly type = "ip";
  private present: Uint8Array<ArrayBuffer>;
  private words: Uint32Array<ArrayBuffer>;

  constructor(capacity: number) {
    this.present = new Uint8Array(capacity);
    this.words = new Uint32Array(capacity * 4);
  }

  setText(row: number, text: string): void {
    this.reserve(row);
    if (parseIpInto(text, this.words, row * 4)) this.present[row] = 1;
    else throw new RangeError(`not an IP address: ${text}`);
  }

  /** Sets the row's value to the four words at `words[at ..]`. */
  setWords(row: number, words: Uint32Array, at: number): void {
    this.reserve(row);
    const own = this.words;
    const to = row * 4;
    own[to] = words[at]!;
    own[to + 1] = words[at + 1]!;
    own[to + 2] = words[at + 2]!;
    own[to + 3] = words[at + 3]!;
    this.present[row] = 1;
  }

  /** The address `a.b.c.d` as one unsigned 32-bit number. */
  setV4(row: number, address: number): void {
    this.reserve(row);
    this.words[row * 4] = 0;
    this.words[row * 4 + 1] = 0;
    this.words[row * 4 + 2] = 0xffff;
    this.words[row * 4 + 3] = address;
    this.present[row] = 1;
  }

  clear(start: number, end: number): void {
    this.present.fill(0, start, end);
    this.words.fill(0, start * 4, end * 4);
  }

  grow(capacity: number): void {
    if (capacity <= this.present.length) return;
    const present = new Uint8Array(capacity);
    present.set(this.present);
    this.present = present;
    this.words = grownWords(this.words, capacity * 4);
  }

  reset(rowCount: number): void {
    this.clear(0, rowCount);
  }

  view(rowCount: number): IpColumn {
    return {
      type: "ip",
      present: this.present.subarray(0, rowCount),
      words: this.words.subarray(0, rowCount * 4),
    };
  }

  private reserve(row: number): void {
    if (row >= this.present.length) this.grow(this.present.length * 2);
  }
}

export class EventIdColumnBuilder {
  private kinds: Uint8Array<ArrayBuffer>;
  private words: Uint32Array<ArrayBuffer>;
  private readonly heap = new ByteHeap();

  constructor(capacity: number) {
    this.kinds = new Uint8Array(capacity);
    this.words = new Uint32Array(capacity * 4);
  }

  /** A canonical lower-case UUID is kept as 128 bits, anything else as text. */
  setText(row: number, text: string): void {
    const bytes = encoder.encode(text);
    this.set(row, bytes, 0, bytes.length);
  }

  set(row: number, source: Uint8Array, start: number, end: number): void {
    this.reserve(row);
    if (end - start === 36 && parseUuidInto(source, start, this.words, row * 4)) {
      this.kinds[row] = EventIdKind.uuid;
      return;
    }
    this.setWords(row, EventIdKind.text, this.heap.append(source, start, end), 0, 0, 0);
  }

  /** A UUID of four words. */
  setUuid(row: number, id: Uint32Array): void {
    this.setWords(row, EventIdKind.uuid, id[0]!, id[1]!, id[2]!, id[3]!);
  }

  /** A derived id of four words. */
  setDerived(row: number, a: number, b: number, c: number, d: number): void {
    this.setWords(row, EventIdKind.derived, a, b, c, d);
  }

  grow(capacity: number): void {
    if (capacity <= this.kinds.length) return;
    const kinds = new Uint8Array(capacity);
    kinds.set(this.kinds);
    this.kinds = kinds;
    this.words = grownWords(this.words, capacity * 4);
  }

  reset(): void {
    this.heap.reset();
  }

  view(rowCount: number): EventIdColumn {
    const { heap } = this;
    return {
      kinds: this.kinds.subarray(0, rowCount),
      words: this.words.subarray(0, rowCount * 4),
      textOffsets: heap.usedOffsets,
      textBytes: heap.usedBytes,
    };
  }

  private setWords(row: number, kind: number, a: number, b: number, c: number, d: number): void {
    this.reserve(row);
    this.kinds[row] = kind;
    const { words } = this;
    const at = row * 4;
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = d;
  }

  private reserve(row: number): void {
    if (row >= this.kinds.length) this.grow(this.kinds.length * 2);
  }
}

function grownWords(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(length);
  grown.set(array);
  return grown;
}
