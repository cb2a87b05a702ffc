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

export function identitiesOf(chunk: duckdb.DataChunk): IdentityChunk {
  const rowCount = duckdb.data_chunk_get_size(chunk);
  const eventIdKinds = readUint8(chunk, 1, rowCount);
  return {
    rowCount,
    adKeys: readInt32(chunk, 0, rowCount),
    eventIdKinds,
    eventIdWords: readUint128(chunk, 2, rowCount),
    eventIdTexts: eventIdKinds.includes(EventIdKind.text) ? textIds(chunk, eventIdKinds) : [],
    clickTimestamps: readInt64(chunk, 4, rowCount),
  };
}

function textIds(chunk: duckdb.DataChunk, kinds: Uint8Array): (string | null)[] {
  const text = textReader(chunk, 3, kinds.length);
  return Array.from(kinds, (kind, row) => (kind === EventIdKind.text ? text(row) : null));
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

/** Of minutesToSql. */
export function minutesOf(chunk: duckdb.DataChunk, dimensions: readonly string[]): MinuteChunk {
  const rowCount = duckdb.data_chunk_get_size(chunk);
  const column = (at: number): Int32Array => readInt32(chunk, at, rowCount);
  return {
    rowCount,
    minutes: column(0),
    adKeys: column(1),
    counts: column(2),
    dimensionKeys: new Map(dimensions.map((name, i) => [name, column(3 + i)])),
  };
}
