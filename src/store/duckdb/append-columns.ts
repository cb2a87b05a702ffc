/**
 * Appends rows to a table from typed arrays: they are gathered into columns of 2048 rows, DuckDB's vectors, and
 * handed over a chunk at a time. No row becomes an object, no string of a click becomes a JavaScript string.
 */

import duckdb from "@duckdb/node-bindings";
import type { StringColumn } from "../../model/click-batch.ts";
import { inlineBytesMax } from "./read-chunk.ts";
import type { Column, ColumnType } from "./schema.ts";

/** Rows of a source in the order to append; absent = all, from 0. */
export type RowSelection = Int32Array | undefined;

const chunkRows = 2048;

const valueBytes: Readonly<Record<ColumnType, number>> = {
  UTINYINT: 1,
  INTEGER: 4,
  BIGINT: 8,
  DOUBLE: 8,
  UHUGEINT: 16,
  VARCHAR: 16,
};

const encoder = new TextEncoder();

/** One column of the chunk that is being filled. Setters take `count` rows of the source from `from` on. */
export class ColumnBuffer {
  readonly type: ColumnType;
  private readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly words: Int32Array<ArrayBuffer>;
  private readonly doubles: Float64Array<ArrayBuffer>;
  private readonly validity = new Uint8Array(chunkRows / 8);
  private hasMissing = false;
  /** Strings that don't fit in place: rows and their bytes. */
  private longRows: number[] = [];
  private longValues: Uint8Array[] = [];

  constructor(type: ColumnType) {
    this.type = type;
    this.bytes = new Uint8Array(chunkRows * valueBytes[type]);
    const whole = this.bytes.length - (this.bytes.length % 8);
    this.words = new Int32Array(this.bytes.buffer, 0, whole / 4);
    this.doubles = new Float64Array(this.bytes.buffer, 0, whole / 8);
    this.validity.fill(255);
  }

  setBytes(at: number, source: Uint8Array, rows: RowSelection, from: number, count: number): void {
    if (!rows) this.bytes.set(source.subarray(from, from + count), at);
    else for (let i = 0; i < count; i++) this.bytes[at + i] = source[rows[from + i]!]!;
  }

  setInt32(at: number, source: Int32Array, rows: RowSelection, from: number, count: number): void {
    if (!rows) this.words.set(source.subarray(from, from + count), at);
    else for (let i = 0; i < count; i++) this.words[at + i] = source[rows[from + i]!]!;
  }

  /** The same whole number in all rows. */
  fill(at: number, value: number, count: number): void {
    if (this.type === "UTINYINT") this.bytes.fill(value, at, at + count);
    else if (this.type === "INTEGER") this.words.fill(value, at, at + count);
    else for (let i = 0; i < count; i++) this.setInt64(at + i, value);
  }

  /** Whole numbers held as doubles, into 64 bits. */
  setInt64s(
    at: number,
    source: Float64Array,
    rows: RowSelection,
    from: number,
    count: number,
  ): void {
    for (let i = 0; i < count; i++)
      this.setInt64(at + i, source[rows ? rows[from + i]! : from + i]!);
  }

  /** `base` + the row's number. */
  setSequence(at: number, base: number, rows: RowSelection, from: number, count: number): void {
    for (let i = 0; i < count; i++)
      this.setInt64(at + i, base + (rows ? rows[from + i]! : from + i));
  }

  setInt64(at: number, value: number): void {
    this.words[at * 2] = value | 0;
    // `| 0` keeps the low 32 bits also of numbers beyond them; the high ones are what is left.
    this.words[at * 2 + 1] = Math.floor(value / 4_294_967_296);
  }

  /** Four words a row, the most significant first. */
  setUint128(
    at: number,
    source: Uint32Array,
    rows: RowSelection,
    from: number,
    count: number,
  ): void {
    const { words } = this;
    for (let i = 0, target = at * 4; i < count; i++, target += 4) {
      const start = (rows ? rows[from + i]! : from + i) * 4;
      words[target] = source[start + 3]!;
      words[target + 1] = source[start + 2]!;
      words[target + 2] = source[start + 1]!;
      words[target + 3] = source[start]!;
    }
  }

  /** For tables of few rows. */
  setValue(at: number, value: number | string | null): void {
    if (value === null) {
      this.setMissing(at);
    } else if (typeof value === "string") {
      const encoded = encoder.encode(value);
      this.setString(at, encoded, 0, encoded.length);
    } else if (this.type === "DOUBLE") {
      this.doubles[at] = value;
    } else {
      this.fill(at, value, 1);
    }
  }

  setZeros(at: number, count: number): void {
    const width = valueBytes[this.type];
    this.bytes.fill(0, at * width, (at + count) * width);
  }

  setMissing(at: number): void {
    this.validity[at >> 3]! &= ~(1 << (at & 7));
    this.hasMissing = true;
    if (this.type === "VARCHAR") this.words.fill(0, at * 4, at * 4 + 4);
  }

  setAllMissing(at: number, count: number): void {
    for (let i = 0; i < count; i++) this.setMissing(at + i);
  }

  setStrings(
    at: number,
    source: StringColumn,
    rows: RowSelection,
    from: number,
    count: number,
  ): void {
    const { codes, offsets, bytes } = source;
    for (let i = 0; i < count; i++) {
      const code = codes[rows ? rows[from + i]! : from + i]!;
      if (code === 0) this.setMissing(at + i);
      else this.setString(at + i, bytes, offsets[code - 1]!, offsets[code]!);
    }
  }

  /** The UTF-8 `source[start .. end)`. */
  setString(at: number, source: Uint8Array, start: number, end: number): void {
    const { words, bytes } = this;
    const length = end - start;
    const word = at * 4;
    words[word] = 0;
    words[word + 1] = 0;
    words[word + 2] = 0;
    words[word + 3] = 0;
    if (length > inlineBytesMax) {
      this.longRows.push(at);
      this.longValues.push(source.subarray(start, end));
      return;
    }
    words[word] = length;
    for (let i = start, j = at * 16 + 4; i < end; i++, j++) bytes[j] = source[i]!;
  }

  flushTo(vector: duckdb.Vector, rowCount: number): void {
    const byteCount = rowCount * valueBytes[this.type];
    duckdb.copy_data_to_vector(vector, 0, this.bytes.buffer, 0, byteCount);
    if (this.hasMissing) {
      duckdb.vector_ensure_validity_writable(vector);
      const { buffer, length } = this.validity;
      duckdb.copy_data_to_vector_validity(vector, 0, buffer, 0, length);
      this.validity.fill(255);
      this.hasMissing = false;
    }
    for (let i = 0; i < this.longRows.length; i++) {
      duckdb.vector_assign_string_element_len(vector, this.longRows[i]!, this.longValues[i]!);
    }
    if (this.longRows.length > 0) {
      this.longRows = [];
      this.longValues = [];
    }
  }
}

/** The chunk and the buffers for tables of one shape; reused from commit to commit. */
class ChunkBuffers {
  readonly columns: readonly ColumnBuffer[];
  readonly chunk: duckdb.DataChunk;

  constructor(types: readonly ColumnType[]) {
    this.columns = types.map((type) => new ColumnBuffer(type));
    this.chunk = duckdb.create_data_chunk(
      types.map((type) => duckdb.create_logical_type(duckdb.Type[type])),
    );
  }
}

/** Shapes differ by table kind and, rarely, by the dimensions of a day. */
const shapesMax = 64;

export class TableAppenders {
  private readonly connection: duckdb.Connection;
  private readonly shapes = new Map<string, ChunkBuffers>();

  constructor(connection: duckdb.Connection) {
    this.connection = connection;
  }

  /** Appends within the connection's transaction; what `append` throws leaves the table to a rollback. */
  append(
    table: string,
    columns: readonly Column[],
    append: (appender: TableAppender) => void,
  ): void {
    const buffers = this.buffersFor(columns.map((column) => column.type));
    const handle = duckdb.appender_create(this.connection, null, table);
    const appender = new TableAppender(handle, columns, buffers);
    try {
      append(appender);
      appender.flush();
    } catch (error) {
      duckdb.appender_clear(handle);
      this.shapes.clear();
      throw error;
    } finally {
      duckdb.appender_close_sync(handle);
    }
  }

  private buffersFor(types: readonly ColumnType[]): ChunkBuffers {
    const shape = types.join();
    let buffers = this.shapes.get(shape);
    if (!buffers) {
      if (this.shapes.size >= shapesMax) this.shapes.clear();
      buffers = new ChunkBuffers(types);
      this.shapes.set(shape, buffers);
    }
    return buffers;
  }
}

export type ColumnSetter = (
  buffer: ColumnBuffer,
  at: number,
  rows: RowSelection,
  from: number,
  count: number,
) => void;

export class TableAppender {
  private readonly handle: duckdb.Appender;
  private readonly definitions: readonly Column[];
  private readonly buffers: ChunkBuffers;
  private rowCount = 0;

  constructor(handle: duckdb.Appender, definitions: readonly Column[], buffers: ChunkBuffers) {
    this.handle = handle;
    this.definitions = definitions;
    this.buffers = buffers;
  }

  /** Appends `count` rows; `setterOf` says how each column gets them. */
  add(count: number, rows: RowSelection, setterOf: (column: Column) => ColumnSetter): void {
    const setters = this.definitions.map(setterOf);
    for (let from = 0; from < count;) {
      const taken = Math.min(count - from, chunkRows - this.rowCount);
      for (let i = 0; i < setters.length; i++) {
        setters[i]!(this.buffers.columns[i]!, this.rowCount, rows, from, taken);
      }
      this.rowCount += taken;
      from += taken;
      if (this.rowCount === chunkRows) this.flush();
    }
  }

  /** Rows as plain values, in the order of the columns. */
  addRows(rows: readonly (readonly (number | string | null)[])[]): void {
    const columnOf = new Map(this.definitions.map((column, i) => [column, i]));
    this.add(rows.length, undefined, (column) => {
      const i = columnOf.get(column)!;
      return (buffer, at, _selection, from, count) => {
        for (let row = 0; row < count; row++) buffer.setValue(at + row, rows[from + row]![i]!);
      };
    });
  }

  flush(): void {
    if (this.rowCount === 0) return;
    const { chunk, columns } = this.buffers;
    duckdb.data_chunk_reset(chunk);
    duckdb.data_chunk_set_size(chunk, this.rowCount);
    for (let i = 0; i < columns.length; i++) {
      columns[i]!.flushTo(duckdb.data_chunk_get_vector(chunk, i), this.rowCount);
    }
    duckdb.append_data_chunk(this.handle, chunk);
    this.rowCount = 0;
  }
}
