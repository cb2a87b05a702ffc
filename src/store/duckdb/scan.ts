/** Scans in chunks of typed arrays, streamed: memory stays at a chunk however long the range. */

import duckdb from "@duckdb/node-bindings";
import { EventIdKind } from "../../model/click-batch.ts";
import { dedupOutcomes } from "../../model/outcome.ts";
import { dayMs, dayOfMinute } from "../../model/time.ts";
import type { IdentityChunk, MinuteChunk } from "../click-store.ts";
import type { Visibility } from "../visibility.ts";
import type { Catalog, TableShape } from "./catalog.ts";
import type { Statement } from "./connection.ts";
import { unionToSql } from "./queries.ts";
import { readInt32, readInt64, readUint128, readUint8, textReader } from "./read-chunk.ts";
import { dimensionOfKey } from "./schema.ts";
import { minuteRowsToSql } from "./visibility-sql.ts";

/** Rows that are gathered into one chunk. */
const rowsAChunk = 65_536;

/** True for clicks of the outcomes that count for dedup. */
export const countsForDedup = `outcome IN (${dedupOutcomes.join(", ")})`;

export function identitiesToSql(catalog: Catalog, fromMs: number, toMs: number): Statement {
  const selects = catalog.raw(Math.floor(fromMs / dayMs), Math.floor((toMs - 1) / dayMs)).map(
    ({ name }) =>
      `SELECT ad, event_id_kind, event_id, event_id_text, click_timestamp FROM ${name}
         WHERE click_timestamp >= ${fromMs} AND click_timestamp < ${toMs} AND ${countsForDedup}`,
  );
  return { sql: selects.join(" UNION ALL "), values: [] };
}

export async function* identityChunks(
  chunks: AsyncIterable<duckdb.DataChunk>,
): AsyncGenerator<IdentityChunk> {
  let gathering = new IdentityGatherer();
  for await (const chunk of chunks) {
    if (!gathering.hasRoomFor(duckdb.data_chunk_get_size(chunk))) {
      yield gathering.build();
      gathering = new IdentityGatherer();
    }
    gathering.add(chunk);
  }
  if (gathering.rowCount > 0) yield gathering.build();
}

class IdentityGatherer {
  rowCount = 0;
  private readonly adKeys = new Int32Array(rowsAChunk);
  private readonly kinds = new Uint8Array(rowsAChunk);
  private readonly words = new Uint32Array(rowsAChunk * 4);
  private readonly timestamps = new Float64Array(rowsAChunk);
  private readonly texts: (string | null)[] = [];

  hasRoomFor(rowCount: number): boolean {
    return this.rowCount + rowCount <= rowsAChunk;
  }

  add(chunk: duckdb.DataChunk): void {
    const count = duckdb.data_chunk_get_size(chunk);
    const at = this.rowCount;
    const kinds = readUint8(chunk, 1, count);
    this.adKeys.set(readInt32(chunk, 0, count), at);
    this.kinds.set(kinds, at);
    this.words.set(readUint128(chunk, 2, count), at * 4);
    this.timestamps.set(readInt64(chunk, 4, count), at);
    this.rowCount += count;
    if (kinds.includes(EventIdKind.text)) this.addTexts(chunk, kinds, at);
  }

  private addTexts(chunk: duckdb.DataChunk, kinds: Uint8Array, at: number): void {
    const text = textReader(chunk, 3, kinds.length);
    while (this.texts.length < at) this.texts.push(null);
    for (let row = 0; row < kinds.length; row++) {
      this.texts.push(kinds[row] === EventIdKind.text ? text(row) : null);
    }
  }

  build(): IdentityChunk {
    const { rowCount } = this;
    while (this.texts.length < rowCount) this.texts.push(null);
    return {
      rowCount,
      adKeys: this.adKeys.subarray(0, rowCount),
      eventIdKinds: this.kinds.subarray(0, rowCount),
      eventIdWords: this.words.subarray(0, rowCount * 4),
      eventIdTexts: this.texts,
      clickTimestamps: this.timestamps.subarray(0, rowCount),
    };
  }
}

/** `columns`: the key columns that any of the tables has. */
export function minutesToSql(
  catalog: Catalog,
  fromMinute: number,
  toMinute: number,
  visibility: Visibility | undefined,
): Statement & { readonly dimensions: readonly string[] } {
  const tables = catalog.minutes(dayOfMinute(fromMinute), dayOfMinute(toMinute - 1));
  const columns = keyColumnsOf(tables);
  const seen = minuteRowsToSql(visibility, { fromMinute, toMinute });
  const condition = `minute >= ${fromMinute} AND minute < ${toMinute} AND ${seen}`;
  return {
    sql: unionToSql(tables, ["minute", "ad", "clicks"], columns, condition),
    values: [],
    dimensions: columns.map(dimensionOfKey),
  };
}

export function keyColumnsOf(tables: readonly TableShape[]): string[] {
  const names = tables.flatMap((table) => table.columns.map((column) => column.name));
  return [...new Set(names.filter((name) => name.startsWith("k_")))];
}

export async function* minuteChunks(
  chunks: AsyncIterable<duckdb.DataChunk>,
  dimensions: () => readonly string[],
): AsyncGenerator<MinuteChunk> {
  let gathered: Int32Array[] = [];
  let rowCount = 0;
  const build = (): MinuteChunk => {
    const [minutes, adKeys, counts, ...keys] = gathered.map((column) =>
      column.subarray(0, rowCount),
    );
    const dimensionKeys = new Map(dimensions().map((name, i) => [name, keys[i]!]));
    return { rowCount, minutes: minutes!, adKeys: adKeys!, counts: counts!, dimensionKeys };
  };
  for await (const chunk of chunks) {
    const count = duckdb.data_chunk_get_size(chunk);
    if (rowCount + count > rowsAChunk) {
      yield build();
      gathered = [];
    }
    if (gathered.length === 0) {
      gathered = Array.from({ length: 3 + dimensions().length }, () => new Int32Array(rowsAChunk));
      rowCount = 0;
    }
    for (const [i, column] of gathered.entries()) column.set(readInt32(chunk, i, count), rowCount);
    rowCount += count;
  }
  if (rowCount > 0) yield build();
}
