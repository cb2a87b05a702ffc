/** Takes values of a dimension away, in place: from clicks and minute rows, of whichever commit. */

import { randomUUID } from "node:crypto";
import { adDictionary } from "../../model/commit.ts";
import type { Erasure } from "../../model/commit.ts";
import type { ErasedValues, HoldersQuery, ValueHolder } from "../../model/erasing.ts";
import type { Connection } from "./connection.ts";
import type { Database } from "./database.ts";
import { integer, literal, literals } from "./connection.ts";
import { columnOf } from "./filter-sql.ts";
import { ofPartToSql } from "./minutes.ts";
import { changeEach } from "./mutations.ts";
import { keptDaysToSql } from "./retention.ts";
import type { DimensionTable } from "./schema.ts";
import { dimensionTables } from "./schema.ts";
import type { StoreState, View } from "./state.ts";

/** See ClickStore.holders. */
export async function readHolders(
  connection: Connection,
  view: View,
  query: HoldersQuery,
): Promise<ValueHolder[]> {
  const { tables } = view;
  const { partition } = query;
  const isKept = keptDaysToSql(view, partition);
  const part = ofPartToSql(query.isPart ? partition : undefined);
  const shown: Readonly<Record<DimensionTable, string>> = {
    click: `toUInt8(${isKept}) AS own, 0 AS minute_rows`,
    minute_count: "0, 1",
  };
  const selects = tablesWith(view.state, query.field).map(
    (table) =>
      `SELECT ad_id, ${shown[table]} FROM ${tables.of(table)} WHERE ${hasOne(query)} AND ${view.counting} AND ${part}`,
  );
  if (selects.length === 0) return [];
  const none = "SELECT '' AS ad_id, 0 AS own, 0 AS minute_rows WHERE 0";
  const rows = await connection.rows(
    `SELECT ad_id, sum(own), max(minute_rows)
     FROM ${tables.everywhere([none, ...selects].join(" UNION ALL "))}
     GROUP BY ad_id`,
  );
  return rows.map(([adId, clicks, minuteRows]) => ({
    adKey: view.state.dictionaries.keyOf(adDictionary, adId as string),
    clicks: clicks as number,
    hasMinuteRows: minuteRows === 1,
  }));
}

/**
 * Done before the commit counts, and again where it is given again. Only to what came before it: who is slow to do it may have
 * been replaced long ago.
 */
export async function erase(
  { shards }: Database,
  state: StoreState,
  erasures: readonly Erasure[],
): Promise<void> {
  for (const { adKeys, inMinutes, partition, ...erased } of erasures) {
    if (adKeys.length === 0) continue;
    const ads = adKeys.map((key) => state.dictionaries.textOf(adDictionary, key) ?? "");
    for (const table of tablesWith(state, erased.field)) {
      if (table === "minute_count" && !inMinutes) continue;
      await changeEach(shards, {
        table,
        what: `UPDATE ${columnOf(erased.field)} = NULL`,
        where: `ad_id IN (${literals(ads)}) AND ${hasOne(erased)}
          AND ${ofPartToSql(partition)} AND sequence <= ${integer(state.sequence)}`,
      });
    }
  }
}

/**
 * The dictionary's keys of erased values that no row has any more spell them no longer. For an opening, before it is read, while
 * nobody counts who may still have the value in hand.
 */
export async function forgetErasedValues({ connection, tables, shards }: Database): Promise<void> {
  const rows = await connection.rows(
    `SELECT DISTINCT e.field, e.value FROM (SELECT * FROM ${tables.rows("erased_value")}) e
     JOIN (SELECT * FROM ${tables.rows("dictionary")}) d ON d.dictionary = e.field AND d.value = e.value`,
  );
  for (const [field, value] of rows as [string, string][]) {
    const is = `${columnOf(field)} = ${literal(value)}`;
    const [uses] = await connection.rows(
      `SELECT (SELECT count() FROM ${tables.rows("minute_count", is)}) + (SELECT count() FROM ${tables.rows("click", is)})`,
    );
    if (uses![0] !== 0) continue;
    await changeEach(shards, {
      table: "dictionary",
      what: `UPDATE value = ${literal(`erased ${randomUUID()}`)}`,
      where: `dictionary = ${literal(field)} AND value = ${literal(value)}`,
    });
    await changeEach(shards, {
      table: "erased_value",
      what: "DELETE",
      where: `field = ${literal(field)} AND value = ${literal(value)}`,
    });
  }
}

function hasOne({ field, values }: ErasedValues): string {
  return values.length === 0 ? "0" : `${columnOf(field)} IN (${literals(values)})`;
}

function tablesWith({ columns }: StoreState, field: string): DimensionTable[] {
  return (Object.keys(dimensionTables) as DimensionTable[]).filter((table) =>
    columns[table].has(field),
  );
}
