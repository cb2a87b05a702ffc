/**
 * Takes values of a dimension away, in place: from raw rows and from minute rows, of whichever commit. What a key of a
 * dictionary spells can go only once nobody may use the key any more, see forget-values.ts.
 */

import type { Erasure } from "../../model/commit.ts";
import type { HoldersQuery, ValueHolder } from "../../model/erasing.ts";
import type { Comparison } from "../../model/filter.ts";
import type { TableShape } from "./catalog.ts";
import type { Connection, Statement } from "./connection.ts";
import { notDroppedToSql } from "./dropped-days.ts";
import { Bindings } from "./filter-sql.ts";
import { noteErasedKeys } from "./forget-values.ts";
import type { StoreContext } from "./queries.ts";
import { conditionOf, integer, QueryFields } from "./queries.ts";
import { expiredTable, ipColumn, keyColumn, quoted, textColumn } from "./schema.ts";

/** See ClickStore.holders. */
export async function readHolders(
  connection: Connection,
  context: StoreContext,
  query: HoldersQuery,
): Promise<ValueHolder[]> {
  const bindings = new Bindings();
  const { raw, minutes } = tablesOf(context);
  const selects = [
    ...raw.map((table) => ({ table, clicks: `(${notDroppedToSql(undefined)})::INTEGER`, rows: 0 })),
    ...minutes.map((table) => ({ table, clicks: "0", rows: 1 })),
  ]
    .map(({ table, clicks, rows }) => ({
      condition: holds(table, query, context, bindings),
      table,
      clicks,
      rows,
    }))
    .filter(({ condition }) => condition !== undefined)
    .map(
      ({ condition, table, clicks, rows }) =>
        `SELECT c.ad, ${clicks} AS clicks, ${rows} AS minute_rows FROM ${quoted(table.name)} c WHERE ${condition}`,
    );
  if (selects.length === 0) return [];
  const found = await connection.rows(
    `SELECT ad, SUM(clicks)::BIGINT, MAX(minute_rows) FROM (${selects.join(" UNION ALL ")}) GROUP BY ad`,
    bindings.values,
  );
  return found.map(([adKey, clicks, minuteRows]) => ({
    adKey: adKey as number,
    clicks: clicks as number,
    hasMinuteRows: minuteRows === 1,
  }));
}

/** Within the commit's transaction, while no maintenance runs: its tables are changed in place. */
export async function writeErasures(
  writer: Connection,
  context: StoreContext,
  erasures: readonly Erasure[],
): Promise<void> {
  const { raw, minutes } = tablesOf(context);
  for (const erasure of erasures) {
    await noteErasedKeys(writer, context, erasure);
    for (const table of [...raw, ...(erasure.inMinutes ? minutes : [])]) {
      const statement = erasureToSql(table, erasure, context);
      if (statement) await writer.run(statement.sql, statement.values);
    }
  }
}

function erasureToSql(
  table: TableShape,
  erasure: Erasure,
  context: StoreContext,
): Statement | undefined {
  const bindings = new Bindings();
  const condition = holds(table, erasure, context, bindings);
  if (condition === undefined) return undefined;
  const { field, adKeys } = erasure;
  const columns = [
    [keyColumn(field), "0"],
    [textColumn(field), "NULL"],
    [ipColumn(field), "NULL"],
  ] as const;
  const cleared = columns
    .filter(([{ name }]) => table.has(name))
    .map(([{ name }, missing]) => `${quoted(name)} = ${missing}`);
  const ads = bindings.add(adKeys.map(integer));
  const sql = `UPDATE ${quoted(table.name)} c SET ${cleared.join(", ")}
    WHERE list_contains(${ads}::INTEGER[], c.ad) AND ${condition}`;
  return { sql, values: bindings.values };
}

/** True for rows `c` of the table that a query for the values would find; undefined where none can have any. */
function holds(
  table: TableShape,
  { field, values }: HoldersQuery,
  context: StoreContext,
  bindings: Bindings,
): string | undefined {
  const filter: Comparison = { kind: "comparison", field, operator: "=in=", values };
  const knownKey = (): undefined => undefined;
  const fields = new QueryFields({ filter, groupBy: [] }, [table], { ...context, knownKey });
  if (fields.columns.length === 0) return undefined;
  return conditionOf({ filter }, fields, knownKey, bindings);
}

/** All of them: what was dropped and is not deleted yet has values too. */
function tablesOf({ catalog }: StoreContext): {
  readonly raw: readonly TableShape[];
  readonly minutes: readonly TableShape[];
} {
  const days = [catalog.days.at(0) ?? 0, catalog.days.at(-1) ?? 0] as const;
  return {
    raw: [...catalog.raw(...days), catalog.table(expiredTable)],
    minutes: catalog.minutes(...days),
  };
}
