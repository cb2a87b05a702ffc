/**
 * The fast way from JSON bytes to fields: takes the objects that clients usually send and nothing else. It never
 * guesses: whatever it does not take whole (escapes, nested values, duplicate names, anything malformed) is left to
 * parse-item.ts, which gives the same fields for every object that is taken here.
 */

import { clickTimestampField, eventIdField } from "./declared-fields.ts";
import type { DeclaredFields } from "./declared-fields.ts";
import type { ItemFields } from "./item-fields.ts";
import { FieldKind, itemBytesMax } from "./item-fields.ts";
import { TimeParser } from "../model/parse-time.ts";
import { parseUuidInto } from "../model/uuid.ts";
import { sequenceEnd } from "./utf8.ts";

const quote = 0x22;
const undeclaredFieldsMax = 64;
/** Fields of an object beyond these are looked up without a guess. */
const guessedFieldsMax = 64;
const uuidBytes = 36;

/** 1 for the bytes that stand for themselves in a JSON string: ASCII but controls, quote and backslash. */
const plainBytes = new Uint8Array(256).fill(1, 0x20, 0x80);
plainBytes[quote] = 0;
plainBytes[0x5c] = 0;

export class ItemScanner {
  private readonly slotCount: number;
  /** The names by slot, each with its closing quote: `nameBytes[nameOffsets[slot] .. nameOffsets[slot + 1])`. */
  private readonly nameBytes: Uint8Array;
  private readonly nameOffsets: Uint32Array;
  /** Which slot the n-th field of the last object had; clients keep their order. */
  private readonly guesses = new Uint8Array(guessedFieldsMax);
  private readonly times = new TimeParser();
  /** False where a name can't be compared with raw bytes. */
  private readonly usable: boolean;

  constructor(declared: DeclaredFields) {
    this.slotCount = declared.count;
    const names = declared.sentNames.map((name) => new TextEncoder().encode(`${name}"`));
    this.nameOffsets = new Uint32Array(names.length + 1);
    for (const [slot, name] of names.entries())
      this.nameOffsets[slot + 1] = this.nameOffsets[slot]! + name.length;
    this.nameBytes = new Uint8Array(this.nameOffsets[names.length]!);
    for (const [slot, name] of names.entries()) this.nameBytes.set(name, this.nameOffsets[slot]!);
    this.usable =
      names.length <= 255 &&
      declared.sentNames.every((name) => JSON.stringify(name) === `"${name}"`);
  }

  /**
   * Reads the object that starts at `source[start]` into `fields`. The position after its closing brace, or -1 where
   * it is not one for this path (then the fields are undefined). `lineBreaks`: they count as white space.
   */
  scan(
    source: Uint8Array,
    start: number,
    limit: number,
    lineBreaks: boolean,
    fields: ItemFields,
  ): number {
    if (!this.usable || source[start] !== 0x7b) return -1;
    fields.begin(source);
    const { kinds } = fields;
    const { guesses, nameBytes, nameOffsets } = this;
    let at = skipSpace(source, start + 1, limit, lineBreaks);
    if (at < limit && source[at] === 0x7d) return at + 1;

    for (let ordinal = 0; ; ordinal++) {
      if (at >= limit || source[at] !== quote) return -1;
      const nameStart = at + 1;
      let slot = ordinal < guessedFieldsMax ? guesses[ordinal]! : 0;
      let expected = nameOffsets[slot]!;
      const expectedEnd = nameOffsets[slot + 1]!;
      at = nameStart;
      while (expected < expectedEnd && at < limit && source[at] === nameBytes[expected]) {
        at++;
        expected++;
      }
      let nameEnd = at - 1;
      if (expected !== expectedEnd) {
        nameEnd = plainStringEnd(source, nameStart, limit);
        if (nameEnd < 0) return -1;
        slot = this.slotOf(source, nameStart, nameEnd);
        if (slot >= 0 && ordinal < guessedFieldsMax) guesses[ordinal] = slot;
        at = nameEnd + 1;
      }
      if (slot >= 0 ? kinds[slot] !== FieldKind.absent : fields.hasUndeclared(nameStart, nameEnd))
        return -1;

      if (at < limit && source[at]! <= 0x20) at = skipSpace(source, at, limit, lineBreaks);
      if (at >= limit || source[at] !== 0x3a) return -1;
      at++;
      if (at < limit && source[at]! <= 0x20) at = skipSpace(source, at, limit, lineBreaks);

      at = this.scanValue(source, at, limit, slot, nameStart, nameEnd, fields);
      if (at < 0) return -1;

      if (at < limit && source[at]! <= 0x20) at = skipSpace(source, at, limit, lineBreaks);
      if (at >= limit) return -1;
      const separator = source[at]!;
      at++;
      if (separator === 0x7d) return at - start > itemBytesMax ? -1 : at;
      if (separator !== 0x2c) return -1;
      if (at < limit && source[at]! <= 0x20) at = skipSpace(source, at, limit, lineBreaks);
    }
  }

  /** Reads a value into its field; the position after it or -1. */
  private scanValue(
    source: Uint8Array,
    start: number,
    limit: number,
    slot: number,
    nameStart: number,
    nameEnd: number,
    fields: ItemFields,
  ): number {
    if (start >= limit) return -1;
    const first = source[start]!;
    let kind: number = FieldKind.text;
    let from = start;
    let end: number;
    let next: number;
    if (first === quote) {
      from = start + 1;
      end = this.scanText(source, from, limit, slot, fields);
      if (end < 0) return -1;
      next = end + 1;
    } else {
      if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
        kind = FieldKind.number;
        end = numberEnd(source, start, limit);
      } else if (first === 0x6e) {
        kind = FieldKind.null;
        end = wordEnd(source, start, limit, nullWord);
      } else {
        kind = FieldKind.boolean;
        end = wordEnd(source, start, limit, first === 0x74 ? trueWord : falseWord);
      }
      if (end < 0) return -1;
      next = end;
    }
    if (slot >= 0) {
      fields.set(slot, kind, from, end);
      return next;
    }
    if (fields.undeclaredCount === undeclaredFieldsMax) return -1;
    fields.addUndeclared(kind, nameStart, nameEnd, from, end);
    return next;
  }

  /** The position of the quote that ends a string, or -1. Times and UUIDs are parsed on the way. */
  private scanText(
    source: Uint8Array,
    start: number,
    limit: number,
    slot: number,
    fields: ItemFields,
  ): number {
    if (slot === clickTimestampField) {
      const timeMs = this.times.parse(source, start, limit);
      const { end } = this.times;
      if (!Number.isNaN(timeMs) && end < limit && source[end] === quote) {
        fields.clickTimestampMs = timeMs;
        return end;
      }
    } else if (slot === eventIdField) {
      const end = start + uuidBytes;
      if (
        end < limit &&
        source[end] === quote &&
        parseUuidInto(source, start, fields.eventIdWords, 0)
      ) {
        fields.eventIdIsUuid = true;
        return end;
      }
    }
    return plainStringEnd(source, start, limit);
  }

  private slotOf(source: Uint8Array, start: number, end: number): number {
    const { nameBytes, nameOffsets } = this;
    for (let slot = 0; slot < this.slotCount; slot++) {
      let expected = nameOffsets[slot]!;
      if (nameOffsets[slot + 1]! - 1 - expected !== end - start) continue;
      let at = start;
      while (at < end && source[at] === nameBytes[expected]) {
        at++;
        expected++;
      }
      if (at === end) return slot;
    }
    return -1;
  }
}

const nullWord = new TextEncoder().encode("null");
const trueWord = new TextEncoder().encode("true");
const falseWord = new TextEncoder().encode("false");

function wordEnd(source: Uint8Array, start: number, limit: number, word: Uint8Array): number {
  const end = start + word.length;
  if (end > limit) return -1;
  for (let i = 0; i < word.length; i++) if (source[start + i] !== word[i]) return -1;
  return end;
}

function skipSpace(source: Uint8Array, start: number, limit: number, lineBreaks: boolean): number {
  let at = start;
  while (at < limit) {
    const byte = source[at]!;
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && (byte !== 0x0a || !lineBreaks)) break;
    at++;
  }
  return at;
}

/** The position of the quote that ends the string; -1 where it has escapes, controls, no end or is no UTF-8. */
function plainStringEnd(source: Uint8Array, start: number, limit: number): number {
  let at = start;
  while (at < limit) {
    const byte = source[at]!;
    if (plainBytes[byte] === 1) at++;
    else if (byte === quote) return at;
    else if (byte < 0x80) return -1;
    else {
      at = sequenceEnd(source, at, limit);
      if (at < 0) return -1;
    }
  }
  return -1;
}

/** The position after a number by the grammar of JSON, or -1. What follows is the caller's to check. */
export function numberEnd(source: Uint8Array, start: number, limit: number): number {
  let at = start;
  if (source[at] === 0x2d) at++;
  if (at >= limit) return -1;
  if (source[at] === 0x30) at++;
  else {
    at = digitsEnd(source, at, limit);
    if (at < 0) return -1;
  }
  if (at < limit && source[at] === 0x2e) {
    at = digitsEnd(source, at + 1, limit);
    if (at < 0) return -1;
  }
  if (at < limit && (source[at]! | 0x20) === 0x65) {
    at++;
    if (at < limit && (source[at] === 0x2b || source[at] === 0x2d)) at++;
    at = digitsEnd(source, at, limit);
  }
  return at;
}

/** The position after one digit or more, or -1. */
function digitsEnd(source: Uint8Array, start: number, limit: number): number {
  let at = start;
  while (at < limit && source[at]! >= 0x30 && source[at]! <= 0x39) at++;
  return at === start ? -1 : at;
}
