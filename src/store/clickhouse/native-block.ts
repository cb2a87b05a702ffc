/**
 * ClickHouse's `Native` format: blocks of columns, each with its name, its type and its values one after the other. So
 * typed arrays go out and come in as they are. (ClickHouse's documentation, "Native" and "Native protocol: columns".)
 */

import { CodedError } from "../../model/errors.ts";
import type { ColumnType } from "./schema.ts";

export interface NativeColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Of all rows, as they are sent. */
  readonly bytes: Uint8Array;
}

export class NativeBlock {
  readonly rowCount: number;
  readonly columns: readonly NativeColumn[];

  constructor(rowCount: number, columns: readonly NativeColumn[]) {
    this.rowCount = rowCount;
    this.columns = columns;
  }

  encode(): Buffer {
    const parts: Uint8Array[] = [varint(this.columns.length), varint(this.rowCount)];
    for (const { name, type, bytes } of this.columns) {
      parts.push(text(name), text(type), bytes);
    }
    return Buffer.concat(parts);
  }

  /** A block of these rows alone. */
  rowsAt(rows: readonly number[]): NativeBlock {
    const columns = this.columns.map(({ name, type, bytes }) => {
      const width = fixedBytes[type];
      const parts =
        width === undefined
          ? this.textParts({ name, type, bytes }, rows)
          : rows.map((row) => bytes.subarray(row * width, (row + 1) * width));
      return { name, type, bytes: Buffer.concat(parts) };
    });
    return new NativeBlock(rows.length, columns);
  }

  uint8(column: number): Uint8Array {
    return this.columns[column]!.bytes;
  }

  int32(column: number): Int32Array {
    return new Int32Array(this.aligned(column));
  }

  /** Whole numbers of 64 bits as doubles. */
  int64(column: number): Float64Array {
    const halves = new Int32Array(this.aligned(column));
    const values = new Float64Array(halves.length / 2);
    for (let row = 0; row < values.length; row++)
      values[row] = halves[row * 2 + 1]! * 4_294_967_296 + (halves[row * 2]! >>> 0);
    return values;
  }

  /** Sixteen bytes a row as four words, the most significant first. */
  uint128(column: number): Uint32Array {
    const { bytes } = this.columns[column]!;
    const words = new Uint32Array(bytes.length / 4);
    for (let i = 0, at = 0; i < words.length; i++, at += 4)
      words[i] =
        (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    return words;
  }

  /** Null where missing. */
  texts(column: number): (string | null)[] {
    const { type, bytes } = this.columns[column]!;
    const isNullable = type === "Nullable(String)";
    const cursor = new Cursor(bytes, isNullable ? this.rowCount : 0);
    return Array.from({ length: this.rowCount }, (_, row) => {
      const value = cursor.text();
      return isNullable && bytes[row] === 1 ? null : value;
    });
  }

  private textParts({ type, bytes }: NativeColumn, rows: readonly number[]): Uint8Array[] {
    const isNullable = type === "Nullable(String)";
    const cursor = new Cursor(bytes, isNullable ? this.rowCount : 0);
    const texts = Array.from({ length: this.rowCount }, () => {
      const start = cursor.at;
      cursor.take(cursor.varint());
      return bytes.subarray(start, cursor.at);
    });
    const missing = isNullable ? [Uint8Array.from(rows, (row) => bytes[row]!)] : [];
    return [...missing, ...rows.map((row) => texts[row]!)];
  }

  private aligned(column: number): ArrayBuffer {
    return Uint8Array.from(this.columns[column]!.bytes).buffer;
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** Bytes of a row where all rows have as many. */
const fixedBytes: Readonly<Partial<Record<ColumnType, number>>> = {
  UInt8: 1,
  UInt16: 2,
  Int32: 4,
  UInt32: 4,
  Int64: 8,
  UInt64: 8,
  Float64: 8,
  "FixedString(16)": 16,
};

/** A block is tried again once so much more has come: it is parsed a few times at most. */
const growth = 1.5;

export async function* readBlocks(stream: AsyncIterable<Uint8Array>): AsyncGenerator<NativeBlock> {
  let bytes: Uint8Array = new Uint8Array(0);
  let waiting: Uint8Array[] = [];
  let wanted = 1;
  let length = 0;
  for await (const chunk of stream) {
    waiting.push(chunk);
    length += chunk.length;
    if (length < wanted) continue;
    bytes = Buffer.concat([bytes, ...waiting]);
    waiting = [];
    for (;;) {
      const found = parseBlock(bytes);
      if (!found) break;
      yield found.block;
      bytes = bytes.subarray(found.end);
    }
    length = bytes.length;
    wanted = Math.max(1, length * growth);
  }
  bytes = Buffer.concat([bytes, ...waiting]);
  while (bytes.length > 0) {
    const found = parseBlock(bytes);
    // An error in the middle of an answer comes as text.
    if (!found) throw new Error(decoder.decode(bytes.subarray(0, 500)));
    yield found.block;
    bytes = bytes.subarray(found.end);
  }
}

class OutOfBytes extends Error {}

/** Undefined where the block has not come to its end yet. */
function parseBlock(bytes: Uint8Array): { block: NativeBlock; end: number } | undefined {
  const cursor = new Cursor(bytes);
  try {
    const columnCount = cursor.varint();
    const rowCount = cursor.varint();
    const columns = Array.from({ length: columnCount }, (): NativeColumn => {
      const name = cursor.text();
      const type = cursor.text() as ColumnType;
      return { name, type, bytes: cursor.column(type, rowCount) };
    });
    return { block: new NativeBlock(rowCount, columns), end: cursor.at };
  } catch (error) {
    if (error instanceof OutOfBytes) return undefined;
    throw error;
  }
}

class Cursor {
  at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new OutOfBytes();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  take(length: number): Uint8Array {
    const start = this.at;
    this.at += length;
    if (this.at > this.bytes.length) throw new OutOfBytes();
    return this.bytes.subarray(start, this.at);
  }

  text(): string {
    const bytes = this.take(this.varint());
    return bytes.length === 0 ? "" : decoder.decode(bytes);
  }

  /** The values of a column. */
  column(type: ColumnType, rowCount: number): Uint8Array {
    const width = fixedBytes[type];
    if (width !== undefined) return this.take(width * rowCount);
    if (type !== "String" && type !== "Nullable(String)")
      throw new CodedError("internal_error", `a column of type ${type} was not asked for`);
    const start = this.at;
    if (type === "Nullable(String)") this.take(rowCount);
    for (let row = 0; row < rowCount; row++) this.take(this.varint());
    return this.bytes.subarray(start, this.at);
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function text(value: string): Uint8Array {
  const bytes = encoder.encode(value);
  return Buffer.concat([varint(bytes.length), bytes]);
}
