/**
 * Clicks as columns: what ingest decodes into, the queue carries, the aggregator folds and the store appends.
 * Never turned into objects on the way. Immutable once built; typed arrays may be views into one buffer.
 */

/** Strings by code: `codes[row]` is 0 where the value is missing, else 1 + the entry's index. */
export interface StringColumn {
  readonly type: "string";
  /** rowCount codes. */
  readonly codes: Uint32Array;
  /** Entry i is `bytes[offsets[i] .. offsets[i + 1])`, UTF-8. Length: entryCount + 1. */
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
  readonly entryCount: number;
}

/** Addresses as 128 bits, IPv4 mapped into `::ffff:0:0/96`. */
export interface IpColumn {
  readonly type: "ip";
  /** 1 where a value is present. rowCount flags. */
  readonly present: Uint8Array;
  /** Four words a row, the most significant first; zero where missing. */
  readonly words: Uint32Array;
}

export type DimensionColumn = StringColumn | IpColumn;

/** How an event id is written down. The numbers are stored; never reuse one. */
export const EventIdKind = {
  /** A UUID in its canonical lower-case form: 128 bits, the most significant word first. */
  uuid: 0,
  /** Derived at ingest, see derived-event-id.ts: 128 bits. Shown as `derived:` and 32 hex digits. */
  derived: 1,
  /** Any other string. */
  text: 2,
} as const;

export interface EventIdColumn {
  /** rowCount kinds. */
  readonly kinds: Uint8Array;
  /** Four words a row; for kind `text` the first word is the entry's index in `text`, the others 0. */
  readonly words: Uint32Array;
  readonly textOffsets: Uint32Array;
  readonly textBytes: Uint8Array;
}

export interface NamedColumn {
  readonly name: string;
  readonly column: DimensionColumn;
}

export interface ClickBatch {
  readonly rowCount: number;
  /** Event times in epoch milliseconds. */
  readonly clickTimestamps: Float64Array;
  /** Every row has an ad: codes are never 0. */
  readonly ad: StringColumn;
  readonly eventIds: EventIdColumn;
  /** In the order of the layout the batch was decoded under; self-describing, so that older layouts stay readable. */
  readonly dimensions: readonly NamedColumn[];
}

/** A byte order mark at the start is part of the string, as any other character. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function entryText(column: StringColumn, entry: number): string {
  return decoder.decode(column.bytes.subarray(column.offsets[entry]!, column.offsets[entry + 1]!));
}

/** The string of a row, or undefined where it is missing. */
export function textAt(column: StringColumn, row: number): string | undefined {
  const code = column.codes[row]!;
  return code === 0 ? undefined : entryText(column, code - 1);
}

/** 32 lower-case hex digits of four words. */
function hexOfWords(words: Uint32Array, start: number): string {
  let hex = "";
  for (let i = 0; i < 4; i++) hex += words[start + i]!.toString(16).padStart(8, "0");
  return hex;
}

/** The event id as the API shows it. */
export function formatEventId(
  kind: number,
  words: Uint32Array,
  wordsStart: number,
  text: string | undefined,
): string {
  if (kind === EventIdKind.text) return text ?? "";
  const hex = hexOfWords(words, wordsStart);
  if (kind === EventIdKind.derived) return `derived:${hex}`;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function eventIdAt(batch: ClickBatch, row: number): string {
  const { kinds, words, textOffsets, textBytes } = batch.eventIds;
  const kind = kinds[row]!;
  if (kind !== EventIdKind.text) return formatEventId(kind, words, row * 4, undefined);
  const entry = words[row * 4]!;
  return decoder.decode(textBytes.subarray(textOffsets[entry]!, textOffsets[entry + 1]!));
}
