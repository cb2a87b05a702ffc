/** What moves into another store (store-moves.ts), out of the chunks of DuckDB. */

import duckdb from "@duckdb/node-bindings";
import type { MovedClicks, MovedDimensions, MovedMinutes, MovedRow } from "../store-moves.ts";
import {
  readDoubles,
  readInt32,
  readInt64,
  readTexts,
  readUint128,
  readUint8,
} from "./read-chunk.ts";

/** Of clicksToSql. */
export function clicksOf(chunk: duckdb.DataChunk, { click }: MovedDimensions): MovedClicks {
  const rowCount = duckdb.data_chunk_get_size(chunk);
  const numbers = (column: number): Float64Array => readInt64(chunk, column, rowCount);
  const texts = (column: number): string[] => readTexts(chunk, column, rowCount) as string[];
  return {
    rowCount,
    sequences: numbers(0),
    offsets: numbers(1),
    rows: numbers(2),
    receivedAtMs: numbers(3),
    sources: texts(4),
    clickTimestamps: numbers(5),
    adIds: texts(6),
    eventIdKinds: readUint8(chunk, 7, rowCount),
    eventIdWords: readUint128(chunk, 8, rowCount),
    eventIdTexts: texts(9),
    outcomes: readUint8(chunk, 10, rowCount),
    dimensions: textsOf(chunk, click, 11, rowCount),
  };
}

/** Of minutesRowsToSql. */
export function minutesOf(chunk: duckdb.DataChunk, { minute }: MovedDimensions): MovedMinutes {
  const rowCount = duckdb.data_chunk_get_size(chunk);
  return {
    rowCount,
    sequences: readInt64(chunk, 0, rowCount),
    minutes: readInt32(chunk, 1, rowCount),
    adIds: readTexts(chunk, 2, rowCount) as string[],
    counts: readInt32(chunk, 3, rowCount),
    restated: readUint8(chunk, 4, rowCount),
    dimensions: textsOf(chunk, minute, 5, rowCount),
  };
}

function textsOf(
  chunk: duckdb.DataChunk,
  names: readonly string[],
  firstColumn: number,
  rowCount: number,
): ReadonlyMap<string, readonly (string | null)[]> {
  return new Map(names.map((name, i) => [name, readTexts(chunk, firstColumn + i, rowCount)]));
}

/** `types`: see TypedStatement. */
export function rowsOf(chunk: duckdb.DataChunk, types: string): readonly MovedRow[] {
  const rowCount = duckdb.data_chunk_get_size(chunk);
  const columns = Array.from(types, (type, i): ArrayLike<number | string | null> => {
    if (type === "t") return readTexts(chunk, i, rowCount);
    return type === "n" ? readInt64(chunk, i, rowCount) : readDoubles(chunk, i, rowCount);
  });
  return Array.from({ length: rowCount }, (_, row) => columns.map((column) => column[row]!));
}
