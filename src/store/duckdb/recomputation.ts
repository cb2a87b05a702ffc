/** What a recompute adds to the minute rows, and what one has added; read in chunks into columns. */

import type { MinuteChanges } from "../../model/commit.ts";
import { dayOfMinute } from "../../model/time.ts";
import { MinuteChangesBuilder } from "../minute-changes-builder.ts";
import type { RecomputationQuery, RestatedRowsQuery } from "../recomputation.ts";
import duckdb from "@duckdb/node-bindings";
import type { Catalog } from "./catalog.ts";
import { comparisonOfDay, daysBetween } from "./comparison.ts";
import type { Connection } from "./connection.ts";
import { integer, unionToSql } from "./queries.ts";
import { readInt32, textReader } from "./read-chunk.ts";
import { keyColumnsOf } from "./scan.ts";
import { dimensionOfKey, keyColumn, quoted, textColumn } from "./schema.ts";

/** All days in one transaction, so that they are of one snapshot. */
export async function readRecomputation(
  connection: Connection,
  catalog: Catalog,
  { layout, ads, rowsMax, ...range }: RecomputationQuery,
): Promise<MinuteChanges | undefined> {
  return await connection.snapshot(async () => {
    const days = await daysBetween(connection, catalog, range);
    const comparisons = days.map((day) => comparisonOfDay(catalog, layout, day, range));
    const dimensions = [...new Set(comparisons.flatMap((comparison) => comparison.dimensions))];
    const changes = new MinuteChangesBuilder(dimensions);
    for (const { sql, dimensions: own, withTexts } of comparisons) {
      const keyAt = places(dimensions, own, firstKey);
      const textAt = places(dimensions, withTexts, firstKey + own.length);
      const columns = [
        "minute",
        "ad",
        "(raw_count - minute_count)::INTEGER",
        ...own.map((name) => quoted(keyColumn(name).name)),
        // In front of each value stands a sign, so that an empty text tells that there is none.
        ...withTexts.map((name) => `coalesce('+' || ${quoted(textColumn(name).name)}, '')`),
      ];
      const statement = `${sql}
        SELECT ${columns.join(", ")} FROM compared WHERE raw_count <> minute_count`;
      const rowCounts = connection.stream({ sql: statement, values: [] }, (chunk) => {
        addRows(chunk, changes, keyAt, textAt, ads);
        return changes.rowCount;
      });
      for await (const rowCount of rowCounts) if (rowCount > rowsMax) return undefined;
    }
    return changes.build();
  });
}

export async function readRestatedRows(
  connection: Connection,
  catalog: Catalog,
  { fromMinute, toMinute, commitSequence }: RestatedRowsQuery,
): Promise<MinuteChanges> {
  const tables = catalog.minutes(dayOfMinute(fromMinute), dayOfMinute(toMinute - 1));
  const columns = keyColumnsOf(tables);
  const dimensions = columns.map(dimensionOfKey);
  const ofCommit = `restated = 1 AND commit_sequence = ${integer(commitSequence)}`;
  const rows = unionToSql(tables, ["minute", "ad", "clicks"], columns, ofCommit);
  const changes = new MinuteChangesBuilder(dimensions);
  const keyAt = places(dimensions, dimensions, firstKey);
  const rowCounts = connection.stream({ sql: rows, values: [] }, (chunk) => {
    addRows(chunk, changes, keyAt, [], () => true);
    return changes.rowCount;
  });
  await Array.fromAsync(rowCounts);
  return changes.build();
}

/** Of the first dimension's key in a row, after minute, ad and change. */
const firstKey = 3;

/** Column of each dimension, undefined where the rows have none for it. */
function places(
  dimensions: readonly string[],
  own: readonly string[],
  first: number,
): (number | undefined)[] {
  return dimensions.map((name) => {
    const at = own.indexOf(name);
    return at === -1 ? undefined : first + at;
  });
}

function addRows(
  chunk: duckdb.DataChunk,
  changes: MinuteChangesBuilder,
  keyAt: readonly (number | undefined)[],
  textAt: readonly (number | undefined)[],
  isWanted: (adKey: number) => boolean,
): void {
  const count = duckdb.data_chunk_get_size(chunk);
  const [minutes, adKeys, counts] = [0, 1, 2].map((column) => readInt32(chunk, column, count));
  const keys = keyAt.map((at) => (at === undefined ? undefined : readInt32(chunk, at, count)));
  const texts = textAt.map((at) => (at === undefined ? undefined : textReader(chunk, at, count)));
  for (let row = 0; row < count; row++) {
    const adKey = adKeys![row]!;
    if (!isWanted(adKey)) continue;
    changes.add(
      minutes![row]!,
      adKey,
      counts![row]!,
      (i) => keys[i]?.[row] ?? 0,
      (i) => {
        const text = texts[i]?.(row) ?? "";
        return text === "" ? null : text.slice(1);
      },
    );
  }
}
