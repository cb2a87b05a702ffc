/**
 * Which piece of its ad a click belongs to, where a log deals an ad's clicks among several (partition.ts). Part of the stored
 * format, as the partition is.
 *
 * The same for every way in which one event id is kept: a UUID and a derived id are their 128 bits, however they are spelled.
 */

import { EventIdKind } from "./click-batch.ts";
import { hashOfRange, mixed } from "./hash.ts";
import { parseEventId } from "./parse-event-id.ts";
import { parseUuidInto } from "./uuid.ts";

const derivedLength = "derived:".length + 32;
const colon = 0x3a;
const decoder = new TextDecoder();
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
  if (length === derivedLength && source[start + 7] === colon) {
    // A text that looks like a derived id can't be told from one when it is named to be voided.
    const forms = parseEventId(decoder.decode(source.subarray(start, end)));
    const derived = forms.find(({ kind }) => kind === EventIdKind.derived);
    if (derived) return pieceOfWords(derived.words, 0, spread);
  }
  return hashOfRange(source, start, end) % spread;
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
