/** Reads the columns of DuckDB's result chunks. Everything returned is a copy: a chunk's own memory goes with it. */

import duckdb from "@duckdb/node-bindings";

export type SqlScalar = string | number | bigint | null;
export type SqlRow = readonly SqlScalar[];

/** All rows of a result. 64-bit integers come as numbers, 128-bit ones as bigints. */
export async function readRows(result: duckdb.Result): Promise<SqlRow[]> {
  const columnCount = duckdb.column_count(result);
  const types = Array.from({ length: columnCount }, (_, i) => duckdb.column_type(result, i));
  const rows: SqlScalar[][] = [];
  for (;;) {
    const chunk = await duckdb.fetch_chunk(result);
    const rowCount = chunk === null ? 0 : duckdb.data_chunk_get_size(chunk);
    if (chunk === null || rowCount === 0) return rows;
    const columns = types.map((type, i) => readColumn(chunk, i, type, rowCount));
    for (let row = 0; row < rowCount; row++) rows.push(columns.map((column) => column[row]!));
  }
}

function readColumn(
  chunk: duckdb.DataChunk,
  column: number,
  type: duckdb.Type,
  rowCount: number,
): SqlScalar[] {
  const valid = readValidity(chunk, column, rowCount);
  const at = valueReader(chunk, column, type, rowCount);
  return Array.from({ length: rowCount }, (_, row) => (valid(row) ? at(row) : null));
}

function valueReader(
  chunk: duckdb.DataChunk,
  column: number,
  type: duckdb.Type,
  rowCount: number,
): (row: number) => SqlScalar {
  const { Type } = duckdb;
  switch (type) {
    case Type.INTEGER: {
      const values = readInt32(chunk, column, rowCount);
      return (row) => values[row]!;
    }
    case Type.BIGINT: {
      const values = readInt64(chunk, column, rowCount);
      return (row) => values[row]!;
    }
    case Type.UTINYINT: {
      const values = readUint8(chunk, column, rowCount);
      return (row) => values[row]!;
    }
    case Type.DOUBLE: {
      const values = readDoubles(chunk, column, rowCount);
      return (row) => values[row]!;
    }
    case Type.UHUGEINT: {
      const words = readUint128(chunk, column, rowCount);
      return (row) => bigintOfWords(words, row * 4);
    }
    case Type.VARCHAR: {
      const text = textReader(chunk, column, rowCount);
      return text;
    }
    default:
      throw new TypeError(`no reader for column type ${type}`);
  }
}

export function bigintOfWords(words: Uint32Array, at: number): bigint {
  let value = 0n;
  for (let i = 0; i < 4; i++) value = (value << 32n) | BigInt(words[at + i]!);
  return value;
}

export function wordsOfBigint(value: bigint): Uint32Array {
  return Uint32Array.from({ length: 4 }, (_, i) =>
    Number((value >> BigInt(96 - 32 * i)) & 0xffffffffn),
  );
}

export function readInt32(chunk: duckdb.DataChunk, column: number, rowCount: number): Int32Array {
  return new Int32Array(readBytes(chunk, column, rowCount * 4).buffer);
}

export function readUint8(chunk: duckdb.DataChunk, column: number, rowCount: number): Uint8Array {
  return readBytes(chunk, column, rowCount);
}

/** 64-bit integers as doubles; exact up to 2^53. */
export function readInt64(chunk: duckdb.DataChunk, column: number, rowCount: number): Float64Array {
  const halves = new Uint32Array(readBytes(chunk, column, rowCount * 8).buffer);
  const values = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    values[row] = (halves[row * 2 + 1]! | 0) * 4_294_967_296 + halves[row * 2]!;
  }
  return values;
}

export function readDoubles(
  chunk: duckdb.DataChunk,
  column: number,
  rowCount: number,
): Float64Array {
  return new Float64Array(readBytes(chunk, column, rowCount * 8).buffer);
}

/** Unsigned 128-bit integers as four words each, the most significant first. */
export function readUint128(
  chunk: duckdb.DataChunk,
  column: number,
  rowCount: number,
): Uint32Array {
  const words = new Uint32Array(readBytes(chunk, column, rowCount * 16).buffer);
  for (let at = 0; at < words.length; at += 4) {
    const lowest = words[at]!;
    const low = words[at + 1]!;
    words[at] = words[at + 3]!;
    words[at + 1] = words[at + 2]!;
    words[at + 2] = low;
    words[at + 3] = lowest;
  }
  return words;
}

/** True at rows that have a value. */
function readValidity(
  chunk: duckdb.DataChunk,
  column: number,
  rowCount: number,
): (row: number) => boolean {
  const vector = duckdb.data_chunk_get_vector(chunk, column);
  const byteCount = Math.ceil(rowCount / 64) * 8;
  const bits: Uint8Array | null = duckdb.vector_get_validity(vector, byteCount);
  if (!bits) return () => true;
  return (row) => (bits[row >> 3]! & (1 << (row & 7))) !== 0;
}

/** Decodes strings one by one; only while the chunk is at hand. */
export function textReader(
  chunk: duckdb.DataChunk,
  column: number,
  rowCount: number,
): (row: number) => string {
  const vector = duckdb.data_chunk_get_vector(chunk, column);
  const bytes = duckdb.vector_get_data(vector, rowCount * 16);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (row) => {
    const length = buffer.readUInt32LE(row * 16);
    const start = row * 16 + 4;
    if (length <= inlineBytesMax) return buffer.toString("utf8", start, start + length);
    const at = bytes.byteOffset + start + 4;
    const long = duckdb.get_data_from_pointer(bytes.buffer as ArrayBuffer, at, length);
    return Buffer.from(long.buffer, long.byteOffset, length).toString();
  };
}

/** DuckDB's 16-byte string: u32 length, then either up to 12 bytes in place or 4 bytes of prefix and a pointer. */
export const inlineBytesMax = 12;

/** Null where missing. */
export function readTexts(
  chunk: duckdb.DataChunk,
  column: number,
  rowCount: number,
): (string | null)[] {
  const valid = readValidity(chunk, column, rowCount);
  const text = textReader(chunk, column, rowCount);
  return Array.from({ length: rowCount }, (_, row) => (valid(row) ? text(row) : null));
}

function readBytes(
  chunk: duckdb.DataChunk,
  column: number,
  byteCount: number,
): Uint8Array<ArrayBuffer> {
  const vector = duckdb.data_chunk_get_vector(chunk, column);
  return new Uint8Array(duckdb.vector_get_data(vector, byteCount));
}
