/** Gathers the values of one column, row by row or from typed arrays, in the form of the `Native` format. */

import type { NativeColumn } from "./native-block.ts";
import { NativeBlock } from "./native-block.ts";
import type { Column } from "./schema.ts";

const encoder = new TextEncoder();

export class ColumnWriter {
  private readonly column: Column;
  private bytes = new Uint8Array(256);
  private view = new DataView(this.bytes.buffer);
  private length = 0;
  /** Of a nullable column: 1 where missing. */
  private readonly missing: number[] = [];

  constructor(column: Column) {
    this.column = column;
  }

  uint8s(values: Uint8Array): void {
    this.reserve(values.length);
    this.bytes.set(values, this.length);
    this.length += values.length;
  }

  /** Four words a row, the most significant first. */
  uint128(words: Uint32Array, row: number): void {
    this.reserve(16);
    for (let i = 0; i < 4; i++) this.view.setUint32(this.length + i * 4, words[row * 4 + i]!);
    this.length += 16;
  }

  zeros(count: number): void {
    this.reserve(count);
    this.bytes.fill(0, this.length, this.length + count);
    this.length += count;
  }

  number(value: number): void {
    this.reserve(8);
    const { view, length } = this;
    switch (this.column.type) {
      case "UInt8":
        view.setUint8(length, value);
        this.length += 1;
        return;
      case "UInt16":
        view.setUint16(length, value, true);
        this.length += 2;
        return;
      case "Int32":
      case "UInt32":
        view.setInt32(length, value, true);
        this.length += 4;
        return;
      case "Float64":
        view.setFloat64(length, value, true);
        this.length += 8;
        return;
      default:
        view.setInt32(length, value | 0, true);
        view.setInt32(length + 4, Math.floor(value / 4_294_967_296), true);
        this.length += 8;
    }
  }

  /** UTF-8: `bytes[from .. to)`. */
  textBytes(bytes: Uint8Array, from: number, to: number): void {
    if (this.column.type === "Nullable(String)") this.missing.push(0);
    this.reserve(to - from + 5);
    let rest = to - from;
    for (; rest >= 128; rest >>>= 7) this.bytes[this.length++] = (rest & 127) | 128;
    this.bytes[this.length++] = rest;
    this.bytes.set(bytes.subarray(from, to), this.length);
    this.length += to - from;
  }

  text(value: string | null): void {
    if (value === null) {
      this.missing.push(1);
      this.zeros(1);
      return;
    }
    if (value.length < 128 && this.shortAscii(value)) return;
    const encoded = encoder.encode(value);
    this.textBytes(encoded, 0, encoded.length);
  }

  /** Most texts are: a loop is done with them before an encoder has begun. */
  private shortAscii(value: string): boolean {
    const { length } = value;
    this.reserve(length + 1);
    const { bytes } = this;
    const start = this.length + 1;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return false;
      bytes[start + i] = code;
    }
    bytes[start - 1] = length;
    this.length = start + length;
    if (this.column.type === "Nullable(String)") this.missing.push(0);
    return true;
  }

  value(value: number | string | null): void {
    if (typeof value === "number") this.number(value);
    else this.text(value);
  }

  repeat(value: number | string, count: number): void {
    for (let i = 0; i < count; i++) this.value(value);
  }

  build(): NativeColumn {
    const { name, type } = this.column;
    const own = this.bytes.subarray(0, this.length);
    const bytes =
      type === "Nullable(String)" ? Buffer.concat([Uint8Array.from(this.missing), own]) : own;
    return { name, type, bytes };
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

/** Rows of a small table. */
export function blockOfRows(
  columns: readonly Column[],
  rows: readonly (readonly (number | string | null)[])[],
): NativeBlock {
  const writers = columns.map((column) => new ColumnWriter(column));
  for (const row of rows) for (const [i, writer] of writers.entries()) writer.value(row[i]!);
  return new NativeBlock(
    rows.length,
    writers.map((writer) => writer.build()),
  );
}
