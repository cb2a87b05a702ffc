/**
 * The identity of a click that came without an event id: a 128-bit hash over its fields as they were sent, so that
 * the same content is the same click, whatever the configuration and whether it came as JSON or as a CSV row.
 *
 *   id         = first 128 bits of SHA-256(u32 1, field*)             fields in the order of their names' bytes
 *   field      = u32 nameLength, name, u32 valueLength, value         UTF-8, numbers little-endian
 *   occurrence = first 128 bits of SHA-256(u32 2, u32*4 id, f64 n)    the n-th of the same content, from 2
 *
 * A string stands as its text, a number or boolean as its JSON text, an array or object as canonical JSON; fields that
 * are absent, null or empty are left out. The result is stored: another encoding would count old clicks again.
 */

import { hash } from "node:crypto";

import type { DeclaredFields } from "./declared-fields.ts";
import type { ItemFields } from "./item-fields.ts";
import { FieldKind } from "./item-fields.ts";

/** 128 bits, the most significant word first. */
export type DerivedId = readonly [number, number, number, number];

const contentMark = 1;
const occurrenceMark = 2;

const encoder = new TextEncoder();

/** The id of a click with these fields; names must be distinct. */
export function deriveEventId(fields: Iterable<readonly [name: string, text: string]>): DerivedId {
  const sorted = Array.from(
    fields,
    ([name, text]) => [Buffer.from(name), Buffer.from(text)] as const,
  )
    .filter(([, text]) => text.length > 0)
    .toSorted(([a], [b]) => Buffer.compare(a, b));
  const message = new Message();
  message.begin(contentMark);
  for (const [name, text] of sorted) {
    message.append(name, 0, name.length);
    message.append(text, 0, text.length);
  }
  const id = new Uint32Array(4);
  message.digestInto(id);
  return wordsOf(id);
}

/** The id of the `n`-th occurrence (n >= 2) of the content whose first occurrence has `id`. */
export function deriveOccurrenceId(id: DerivedId, n: number): DerivedId {
  if (!Number.isSafeInteger(n) || n < 2)
    throw new RangeError(`occurrence ${n}, expected 2 or more`);
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, occurrenceMark, true);
  for (const [i, word] of id.entries()) view.setUint32(4 + i * 4, word, true);
  view.setFloat64(20, n, true);
  const words = new Uint32Array(4);
  digestInto(bytes, words);
  return wordsOf(words);
}

/** Derives ids straight from the byte ranges of items. */
export class EventIdDeriver {
  private readonly names: readonly Uint8Array[];
  private readonly message = new Message();
  /** The fields of an item by the bytes of their names: slots, then slotCount + index of undeclared ones. */
  private order = new Uint32Array(64);

  constructor(declared: DeclaredFields) {
    // By the model's names: a file that calls them otherwise holds the same clicks.
    this.names = declared.names.map((name) => encoder.encode(name));
  }

  deriveInto(fields: ItemFields, id: Uint32Array): void {
    const { message, names } = this;
    const { source } = fields;
    const slotCount = names.length;
    const count = this.sort(fields);
    message.begin(contentMark);
    for (let i = 0; i < count; i++) {
      const field = this.order[i]!;
      if (field < slotCount) {
        const name = names[field]!;
        message.append(name, 0, name.length);
        message.append(source, fields.starts[field]!, fields.ends[field]!);
      } else {
        const index = field - slotCount;
        message.append(source, fields.nameStarts[index]!, fields.nameEnds[index]!);
        message.append(source, fields.valueStarts[index]!, fields.valueEnds[index]!);
      }
    }
    message.digestInto(id);
  }

  /** Puts the fields that have a value into `order`; how many there are. */
  private sort(fields: ItemFields): number {
    const slotCount = this.names.length;
    const needed = slotCount + fields.undeclaredCount;
    if (needed > this.order.length) this.order = new Uint32Array(needed * 2);
    const { order } = this;
    let count = 0;
    for (let slot = 0; slot < slotCount; slot++) {
      if (fields.kinds[slot]! > FieldKind.null && fields.ends[slot]! > fields.starts[slot]!)
        order[count++] = slot;
    }
    for (let i = 0; i < fields.undeclaredCount; i++) {
      if (
        fields.undeclaredKinds[i]! > FieldKind.null &&
        fields.valueEnds[i]! > fields.valueStarts[i]!
      ) {
        order[count++] = slotCount + i;
      }
    }
    if (count > insertionSortMax) {
      order.subarray(0, count).sort((a, b) => this.compare(fields, a, b));
      return count;
    }
    for (let i = 1; i < count; i++) {
      const field = order[i]!;
      let at = i;
      while (at > 0 && this.compare(fields, order[at - 1]!, field) > 0) {
        order[at] = order[at - 1]!;
        at--;
      }
      order[at] = field;
    }
    return count;
  }

  private compare(fields: ItemFields, a: number, b: number): number {
    const slotCount = this.names.length;
    const aDeclared = a < slotCount;
    const bDeclared = b < slotCount;
    const aBytes = aDeclared ? this.names[a]! : fields.source;
    const bBytes = bDeclared ? this.names[b]! : fields.source;
    const aStart = aDeclared ? 0 : fields.nameStarts[a - slotCount]!;
    const bStart = bDeclared ? 0 : fields.nameStarts[b - slotCount]!;
    const aLength = aDeclared ? aBytes.length : fields.nameEnds[a - slotCount]! - aStart;
    const bLength = bDeclared ? bBytes.length : fields.nameEnds[b - slotCount]! - bStart;
    const shared = Math.min(aLength, bLength);
    for (let i = 0; i < shared; i++) {
      const difference = aBytes[aStart + i]! - bBytes[bStart + i]!;
      if (difference !== 0) return difference;
    }
    return aLength - bLength;
  }
}

const insertionSortMax = 32;

/** What is hashed; the buffer is used again and again. */
class Message {
  private bytes = new Uint8Array(1024);
  private length = 0;

  begin(mark: number): void {
    this.length = 0;
    this.u32(mark);
  }

  append(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const needed = this.length + length + 4;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(needed * 2);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.u32(length);
    const { bytes } = this;
    let to = this.length;
    if (length < 48) for (let at = start; at < end; at++, to++) bytes[to] = source[at]!;
    else bytes.set(source.subarray(start, end), to);
    this.length += length;
  }

  digestInto(id: Uint32Array): void {
    digestInto(this.bytes.subarray(0, this.length), id);
  }

  private u32(value: number): void {
    const { bytes, length } = this;
    bytes[length] = value;
    bytes[length + 1] = value >>> 8;
    bytes[length + 2] = value >>> 16;
    bytes[length + 3] = value >>> 24;
    this.length = length + 4;
  }
}

function digestInto(bytes: Uint8Array, id: Uint32Array): void {
  const digest = hash("sha256", bytes, "buffer");
  for (let i = 0; i < 4; i++) {
    const at = i * 4;
    id[i] =
      (digest[at]! << 24) | (digest[at + 1]! << 16) | (digest[at + 2]! << 8) | digest[at + 3]!;
  }
}

function wordsOf(id: Uint32Array): DerivedId {
  return [id[0]!, id[1]!, id[2]!, id[3]!];
}
