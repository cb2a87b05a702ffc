/** Rows of minute counts: for caches, for single buckets, and those that a commit has restated or changed. */

import type { MinuteChanges } from "../../model/commit.ts";
import { adDictionary } from "../../model/commit.ts";
import { Outcome } from "../../model/outcome.ts";
import type { BucketState, MinuteChunk } from "../click-store.ts";
import type { ChangedCount, ChangesQuery } from "../changes.ts";
import { MinuteChangesBuilder } from "../minute-changes-builder.ts";
import type { AdSelection, RestatedRowsQuery } from "../recomputation.ts";
import type { Visibility } from "../visibility.ts";
import type { Connection, SqlRow } from "./connection.ts";
import { integer, literal } from "./connection.ts";
import type { Dictionaries } from "../ordered/dictionaries.ts";
import { columnOf, conditionOf, QueryFields } from "./filter-sql.ts";
import { clicksToSql, columnsOf, keysToSql, seenToSql, withinToSql } from "./seen-sql.ts";
import type { View } from "./state.ts";

export function minuteDimensions({ state }: View): string[] {
  return [...state.columns.minute_count].toSorted();
}

/** One row for what came of a key in time, and one for each commit that restated it. */
export async function* scanMinutes(
  connection: Connection,
  view: View,
  fromMinute: number,
  toMinute: number,
  visibility: Visibility | undefined,
): AsyncGenerator<MinuteChunk> {
  const range = { fromMinute, toMinute };
  const names = minuteDimensions(view);
  const columns = columnsOf(names);
  const joins = names.map(
    (name, i) =>
      `LEFT JOIN ${keysToSql(view, name)} d${i} ON d${i}.value = ifNull(c.${columnOf(name)}, '')`,
  );
  const keys = names.map((name, i) => `, toInt32(if(isNull(c.${columnOf(name)}), 0, d${i}.key))`);
  const seen = `${withinToSql(range)} AND ${seenToSql(view, visibility, range)}`;
  const blocks = connection.blocks(
    `SELECT c.minute, toInt32(a.key), c.n ${keys.join("")} FROM (
       SELECT ${["minute", "ad_id", ...columns].join(", ")}, toInt32(sum(clicks)) AS n
       FROM ${view.tables.rows("minute_count", seen)}
       GROUP BY ${["minute", "ad_id", ...columns].join(", ")}, if(restated = 1, sequence, 0)) c
     JOIN ${keysToSql(view, adDictionary)} a ON a.value = c.ad_id ${joins.join(" ")}`,
  );
  for await (const block of blocks) {
    const { rowCount } = block;
    if (rowCount === 0) continue;
    yield {
      rowCount,
      minutes: block.int32(0),
      adKeys: block.int32(1),
      counts: block.int32(2),
      dimensionKeys: new Map(names.map((name, i) => [name, block.int32(3 + i)])),
    };
  }
}

export async function readBucketStates(
  connection: Connection,
  view: View,
  buckets: readonly { readonly minute: number; readonly adKey: number }[],
  partition: number | undefined,
): Promise<BucketState[]> {
  const { tables, state } = view;
  const { dictionaries } = state;
  const named = buckets.map(({ minute, adKey }) => ({
    minute,
    adId: dictionaries.textOf(adDictionary, adKey) ?? "",
  }));
  const counts = new Map<string, number>();
  const revisions = new Map<string, number>();
  for (let first = 0; first < named.length; first += probesAtOnce) {
    const some = named.slice(first, first + probesAtOnce);
    const list = some.map(({ minute, adId }) => `(${integer(minute)}, ${literal(adId)})`);
    const wanted = `(minute, ad_id) IN (${list.join(", ")}) AND ${view.counting} AND ${ofPartToSql(partition)}`;
    const [sums, entries] = await Promise.all([
      connection.rows(
        `SELECT minute, ad_id, sum(clicks) FROM ${tables.rows("minute_count", wanted)} GROUP BY minute, ad_id`,
      ),
      connection.rows(
        `SELECT minute, ad_id, count() FROM ${tables.rows("restatement", wanted)} GROUP BY minute, ad_id`,
      ),
    ]);
    for (const [minute, adId, n] of sums) counts.set(`${minute} ${adId}`, n as number);
    for (const [minute, adId, revision] of entries)
      revisions.set(`${minute} ${adId}`, revision as number);
  }
  return named.map(({ minute, adId }) => ({
    count: counts.get(`${minute} ${adId}`) ?? 0,
    revision: revisions.get(`${minute} ${adId}`) ?? 0,
  }));
}

/** True for the rows of a partition, see partOf. */
export function ofPartToSql(partition: number | undefined): string {
  return partition === undefined ? "1" : `partition = ${integer(partition)}`;
}

/** What a statement lists at most. */
export const probesAtOnce = 5_000;

export async function readRestatedRows(
  connection: Connection,
  view: View,
  { fromMinute, toMinute, commitSequence }: RestatedRowsQuery,
): Promise<MinuteChanges> {
  const names = minuteDimensions(view);
  const restated = `${withinToSql({ fromMinute, toMinute })} AND ${view.counting}
    AND restated = 1 AND sequence = ${integer(commitSequence)}`;
  const rows = await connection.rows(
    `SELECT ${["minute", "ad_id", "clicks", ...columnsOf(names)].join(", ")} FROM ${view.tables.rows("minute_count", restated)}`,
  );
  return changesOf(rows, names, view.state.dictionaries);
}

/** Of rows with minute, ad_id, change and the texts of the dimensions. */
export function changesOf(
  rows: readonly SqlRow[],
  dimensions: readonly string[],
  dictionaries: Dictionaries,
  isWanted: AdSelection = () => true,
): MinuteChanges {
  const changes = new MinuteChangesBuilder(dimensions);
  for (const [minute, adId, change, ...texts] of rows) {
    const adKey = dictionaries.keyOf(adDictionary, adId as string);
    if (!isWanted(adKey, adId as string)) continue;
    const text = (i: number): string | null => (texts[i] ?? null) as string | null;
    const keyOf = (i: number): number => dictionaries.keyOf(dimensions[i]!, text(i));
    changes.add(minute as number, adKey, change as number, keyOf, (i) =>
      keyOf(i) === 0 ? text(i) : null,
    );
  }
  return changes.build();
}

/** See ClickStoreReader.changes: in the order of keys, which the dictionaries' rows tell. */
export async function readChanges(
  connection: Connection,
  view: View,
  { since, fromMinute, toMinute, filter, after, limit }: ChangesQuery,
): Promise<ChangedCount[]> {
  const names = minuteDimensions(view);
  const fields = new QueryFields({ filter, groupBy: names }, "minute_count", view.state);
  const keys = names.map((_, i) => `k${i}`);
  const place = ["minute", "ad_key", ...keys];
  const beyond = after
    ? `(${place.join(", ")}) > (${[after.minute, after.adKey, ...names.map((name) => after.dimensionKeys[name] ?? 0)].map(integer).join(", ")})`
    : "1";
  const joins = names.map(
    (name, i) =>
      `LEFT JOIN ${keysToSql(view, name)} d${i} ON d${i}.value = ifNull(c.${columnOf(name)}, '')`,
  );
  const counted = `${withinToSql({ fromMinute, toMinute })} AND ${view.counting}`;
  const rows = await connection.rows(
    `SELECT ${["minute", "ad_key", "ad_id", "n", "as_of", ...keys, ...names.map((_, i) => `t${i}`)].join(", ")}
     FROM (
       SELECT c.minute AS minute, a.key AS ad_key, c.ad_id AS ad_id, sum(c.clicks) AS n, max(c.sequence) AS as_of
         ${names.map((name, i) => `, c.${columnOf(name)} AS t${i}, if(isNull(t${i}), 0, d${i}.key) AS k${i}`).join("")}
       FROM (SELECT * FROM ${view.tables.rows("minute_count", counted)}) c
       JOIN ${keysToSql(view, adDictionary)} a ON a.value = c.ad_id ${joins.join(" ")}
       WHERE ${conditionOf({ filter }, fields)}
       GROUP BY ${[...place, "ad_id", ...names.map((_, i) => `t${i}`)].join(", ")} HAVING max(c.sequence) > ${integer(since)})
     WHERE ${beyond} ORDER BY ${place.join(", ")} LIMIT ${integer(limit)}`,
  );
  return rows.map((row) => ({
    place: {
      minute: row[0] as number,
      adKey: row[1] as number,
      dimensionKeys: Object.fromEntries(names.map((name, i) => [name, row[5 + i] as number])),
    },
    adId: row[2] as string,
    dimensions: Object.fromEntries(
      names.map((name, i) => [name, row[5 + names.length + i] as string | null]),
    ),
    count: row[3] as number,
    asOf: row[4] as number,
  }));
}

/** Of the clicks that count for some minute; expired ones are of no minute that is kept. */
export async function readExtent(
  connection: Connection,
  view: View,
): Promise<{ firstMinute: number; lastMinute: number } | undefined> {
  const everything = { fromMinute: -Infinity, toMinute: Infinity };
  const clicks = clicksToSql(view, undefined, everything);
  const minutes = `SELECT minute FROM ${clicks} WHERE outcome != ${Outcome.expired}
    UNION ALL SELECT minute FROM ${view.tables.of("minute_count")} WHERE ${view.counting}`;
  const [row] = await connection.rows(
    `SELECT min(minute), max(minute), count() FROM ${view.tables.everywhere(minutes)}`,
  );
  const [firstMinute, lastMinute, count] = row as [number, number, number];
  return count === 0 ? undefined : { firstMinute, lastMinute };
}
