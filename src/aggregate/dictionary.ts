/**
 * Surrogate keys for the strings of one column (ads, the values of a minute dimension): 1, 2, 3 … in the order in
 * which the log brings them; 0 means missing. Open addressing over one byte heap: about 40 bytes an entry and
 * no JavaScript string until somebody asks for one.
 */

import { doubled } from "./doubled.ts";

// A byte order mark is part of a value like any other character.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

export class Dictionary {
  readonly name: string;
  private entryCount = 0;
  private offsets = new Uint32Array(1025);
  private heap = new Uint8Array(16_384);
  /** Key by slot, 0 = empty. */
  private slots = new Int32Array(2048);
  private hashes = new Uint32Array(1025);

  constructor(name: string, values: readonly string[] = []) {
    this.name = name;
    for (const value of values) this.internText(value);
  }

  /** Entries; also the highest key. */
  get size(): number {
    return this.entryCount;
  }

  get bytes(): number {
    return (
      this.offsets.byteLength +
      this.heap.byteLength +
      this.slots.byteLength +
      this.hashes.byteLength
    );
  }

  /** The key of the UTF-8 `source[start .. end)`; a new one where it was not known. */
  intern(source: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(source, start, end);
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    for (let key = this.slots[slot]!; key !== 0; key = this.slots[slot]!) {
      if (this.hashes[key] === hash && this.equals(key, source, start, end)) return key;
      slot = (slot + 1) & mask;
    }
    const key = this.append(source, start, end, hash);
    this.slots[slot] = key;
    if (key * 2 > this.slots.length) this.growSlots();
    return key;
  }

  internText(text: string): number {
    const bytes = encoder.encode(text);
    return this.intern(bytes, 0, bytes.length);
  }

  /** Undefined where the text has no key. */
  keyOf(text: string): number | undefined {
    const bytes = encoder.encode(text);
    const hash = hashBytes(bytes, 0, bytes.length);
    const mask = this.slots.length - 1;
    for (let slot = hash & mask; this.slots[slot] !== 0; slot = (slot + 1) & mask) {
      const key = this.slots[slot]!;
      if (this.hashes[key] === hash && this.equals(key, bytes, 0, bytes.length)) return key;
    }
    return undefined;
  }

  /** Undefined for 0 and for keys that were never given. */
  textOf(key: number): string | undefined {
    if (key < 1 || key > this.entryCount) return undefined;
    return decoder.decode(this.heap.subarray(this.offsets[key - 1]!, this.offsets[key]!));
  }

  /** Values of the keys from `firstKey` on. */
  textsFrom(firstKey: number): string[] {
    const texts: string[] = [];
    for (let key = firstKey; key <= this.entryCount; key++) texts.push(this.textOf(key)!);
    return texts;
  }

  /** Calls with the bytes of an entry, `source[start .. end)`. */
  withBytes(key: number, use: (source: Uint8Array, start: number, end: number) => void): void {
    use(this.heap, this.offsets[key - 1]!, this.offsets[key]!);
  }

  private equals(key: number, source: Uint8Array, start: number, end: number): boolean {
    const from = this.offsets[key - 1]!;
    if (this.offsets[key]! - from !== end - start) return false;
    for (let i = start, j = from; i < end; i++, j++) if (this.heap[j] !== source[i]) return false;
    return true;
  }

  private append(source: Uint8Array, start: number, end: number, hash: number): number {
    const from = this.offsets[this.entryCount]!;
    const to = from + end - start;
    if (to > this.heap.length) this.heap = grownBytes(this.heap, to);
    if (this.entryCount + 2 > this.offsets.length) {
      this.offsets = doubled(this.offsets);
      this.hashes = doubled(this.hashes);
    }
    this.heap.set(source.subarray(start, end), from);
    const key = ++this.entryCount;
    this.offsets[key] = to;
    this.hashes[key] = hash;
    return key;
  }

  private growSlots(): void {
    this.slots = new Int32Array(this.slots.length * 2);
    const mask = this.slots.length - 1;
    for (let key = 1; key <= this.entryCount; key++) {
      let slot = this.hashes[key]! & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = key;
    }
  }
}

function hashBytes(source: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i]!, 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function grownBytes(array: Uint8Array, needed: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(Math.max(array.length * 2, needed));
  grown.set(array);
  return grown;
}
