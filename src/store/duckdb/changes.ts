/** Which minute counts changed since a commit, and what they are now. */

import { adDictionary } from "../../model/commit.ts";
import { dayOfMinute } from "../../model/time.ts";
import type { ChangedCount, ChangesQuery } from "../changes.ts";
import type { Connection, Statement } from "./connection.ts";
import { Bindings } from "./filter-sql.ts";
import type { StoreContext } from "./queries.ts";
import { conditionOf, integer, QueryFields, unionToSql } from "./queries.ts";
import type { SqlRow } from "./read-chunk.ts";
import { keyColumnsOf } from "./scan.ts";
import { dictionaryTable, dimensionOfKey, quoted } from "./schema.ts";

export async function readChanges(
  connection: Connection,
  context: StoreContext,
  query: ChangesQuery,
): Promise<ChangedCount[]> {
  const { sql, values, columns } = changesToSql(query, context);
  const rows = await connection.rows(sql, values);
  return rows.map((row) => changedCount(row, columns));
}

/**
 * Rows are: minute, key of the ad, the ad, count, last commit, then for each of `columns` the key and its text.
 *
 * A row of the minute store keeps the commit that brought it, and one that a compaction merged the last of its
 * commits: keys with a row of a later commit than `since` are those that changed, and at times some that a
 * compaction put together with them. Which keys is found by that column alone, which DuckDB passes over by row
 * groups; only the rows of these keys are added up.
 */
function changesToSql(
  query: ChangesQuery,
  context: StoreContext,
): Statement & { readonly columns: readonly string[] } {
  const { fromMinute, toMinute, since, filter, after, limit } = query;
  const bindings = new Bindings();
  const tables = context.catalog.minutes(dayOfMinute(fromMinute), dayOfMinute(toMinute - 1));
  const columns = keyColumnsOf(tables).toSorted();
  const key = ["minute", "ad", ...columns.map(quoted)];
  const list = (alias: string): string => key.map((name) => `${alias}.${name}`).join(", ");
  const fields = new QueryFields({ groupBy: [], ...(filter && { filter }) }, tables, {
    ...context,
    knownKey: () => undefined,
  });
  const conditions = [
    `c.commit_sequence > ${integer(since)}`,
    conditionOf(filter ? { filter } : {}, fields, () => undefined, bindings),
  ];
  if (after) {
    const keys = columns.map((name) => after.dimensionKeys[dimensionOfKey(name)] ?? 0);
    const place = [after.minute, after.adKey, ...keys].map(integer).join(", ");
    conditions.push(`(${list("c")}) > (${place})`);
  }
  const own = ["minute", "ad", "clicks", "commit_sequence"];
  const range = `minute >= ${integer(fromMinute)} AND minute < ${integer(toMinute)}`;
  const rows = unionToSql(tables, own, columns, range);
  const sql = `WITH changed AS MATERIALIZED (
      SELECT DISTINCT ${list("c")} FROM (${rows}) c
      WHERE ${conditions.join(" AND ")} ORDER BY ${list("c")} LIMIT ${integer(limit)}),
    counted AS (
      SELECT ${list("c")}, SUM(c.clicks)::BIGINT AS clicks, MAX(c.commit_sequence) AS as_of
      FROM (${rows}) c JOIN changed USING (${key.join(", ")}) GROUP BY ${list("c")})
    SELECT n.minute, n.ad, d."value", n.clicks, n.as_of ${columns.map(shownKey).join("")}
    FROM counted n JOIN ${dictionaryTable(adDictionary)} d ON d."key" = n.ad
      ${columns.map(joinOf).join(" ")}
    ORDER BY ${list("n")}`;
  return { sql, values: bindings.values, columns };
}

function shownKey(name: string, i: number): string {
  return `, n.${quoted(name)}, d${i}."value"`;
}

/** The commit that brings a key column brings its dictionary. */
function joinOf(name: string, i: number): string {
  const table = quoted(dictionaryTable(dimensionOfKey(name)));
  return `LEFT JOIN ${table} d${i} ON d${i}."key" = n.${quoted(name)}`;
}

function changedCount(row: SqlRow, columns: readonly string[]): ChangedCount {
  const names = columns.map((name) => dimensionOfKey(name));
  return {
    place: {
      minute: row[0] as number,
      adKey: row[1] as number,
      dimensionKeys: Object.fromEntries(names.map((name, i) => [name, row[5 + 2 * i] as number])),
    },
    adId: row[2] as string,
    dimensions: Object.fromEntries(names.map((name, i) => [name, row[6 + 2 * i] as string | null])),
    count: row[3] as number,
    asOf: row[4] as number,
  };
}
