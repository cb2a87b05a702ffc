/**
 * Which piece of its ad a click belongs to, where a log deals an ad's clicks among several (partition.ts). Part of the stored
 * format, as the partition is.
 *
 * The same for every way in which one event id is kept: a UUID and a derived id are their 128 bits, however they are spelled.
 */

import { EventIdKind } from "./click-batch.ts";
import { parseUuidInto } from "./uuid.ts";

const derivedPrefix = new TextEncoder().encode("derived:");
const derivedLength = derivedPrefix.length + 32;
const words = new Uint32Array(4);

/** Of 128 bits, four words at `at`. */
export function pieceOfWords(ids: Uint32Array, at: number, spread: number): number {
  let hash = 0;
  for (let i = 0; i < 4; i++) hash = mixed(hash ^ ids[at + i]!);
  return (hash >>> 0) % spread;
}

/** Of an id as it is sent or shown, `source[start .. end)` (UTF-8). */
export function pieceOfText(
  source: Uint8Array,
  start: number,
  end: number,
  spread: number,
): number {
  const length = end - start;
  if (length === 36 && parseUuidInto(source, start, words, 0))
    return pieceOfWords(words, 0, spread);
  // A text that looks like a derived id can't be told from one when it is named to be voided.
  if (length === derivedLength && parseDerived(source, start))
    return pieceOfWords(words, 0, spread);
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i]!, 0x01000193);
  return (mixed(hash) >>> 0) % spread;
}

/** Of an id as the store keeps it: of its text where the kind is text, else of the words at `at`. */
export function pieceOfKept(
  kind: number,
  ids: Uint32Array,
  at: number,
  text: string | null,
  spread: number,
): number {
  if (kind !== EventIdKind.text) return pieceOfWords(ids, at, spread);
  const bytes = Buffer.from(text ?? "");
  return pieceOfText(bytes, 0, bytes.length, spread);
}

/** Into `words`; only lower-case hex, as derived ids are shown. */
function parseDerived(source: Uint8Array, start: number): boolean {
  for (const [i, byte] of derivedPrefix.entries()) if (source[start + i] !== byte) return false;
  for (let word = 0; word < 4; word++) {
    let value = 0;
    for (let i = 0; i < 8; i++) {
      const byte = source[start + derivedPrefix.length + word * 8 + i]!;
      const digit = byte - (byte < 0x3a ? 0x30 : 0x57);
      if (digit < 0 || digit > 15 || (byte > 0x39 && byte < 0x61)) return false;
      value = value * 16 + digit;
    }
    words[word] = value;
  }
  return true;
}

/** murmur3's finalizer. */
function mixed(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
