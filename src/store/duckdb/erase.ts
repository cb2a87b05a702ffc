/**
 * Takes values of a dimension away, in place: from raw rows and from minute rows, of whichever commit. What a key of a
 * dictionary spells can go only once nobody may use the key any more, see forget-values.ts.
 */

import type { Erasure } from "../../model/commit.ts";
import type { ErasedValues, HoldersQuery, ValueHolder } from "../../model/erasing.ts";
import { parseIpInto } from "../../model/ip.ts";
import type { Catalog, TableShape } from "./catalog.ts";
import type { Connection } from "./connection.ts";
import { notDroppedToSql } from "./dropped-days.ts";
import { Bindings } from "./filter-sql.ts";
import { keysOf, noteErasedKeys } from "./forget-values.ts";
import { integer } from "./queries.ts";
import { bigintOfWords } from "./read-chunk.ts";
import { expiredTable, ipColumn, keyColumn, quoted, textColumn } from "./schema.ts";

/** See ClickStore.holders. */
export async function readHolders(
  connection: Connection,
  catalog: Catalog,
  query: HoldersQuery,
): Promise<ValueHolder[]> {
  const bindings = new Bindings();
  const wanted = await WantedValues.find(connection, catalog, query);
  const isKept = `(${notDroppedToSql(query.partition)})::INTEGER`;
  const { raw, minutes } = tablesOf(catalog);
  const selects = [
    ...raw.map((table) => ({ table, shown: `${isKept} AS clicks, 0 AS minute_rows` })),
    ...minutes.map((table) => ({ table, shown: "0 AS clicks, 1 AS minute_rows" })),
  ].flatMap(({ table, shown }) => {
    const condition = wanted.conditionOn(table);
    if (condition === undefined) return [];
    return [`SELECT c.ad, ${shown} FROM ${quoted(table.name)} c WHERE ${condition}`];
  });
  if (selects.length === 0) return [];
  const found = await connection.rows(
    `WITH ${wanted.textsToSql(bindings)}
     SELECT ad, SUM(clicks)::BIGINT, MAX(minute_rows) FROM (${selects.join(" UNION ALL ")}) GROUP BY ad`,
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
  catalog: Catalog,
  erasures: readonly Erasure[],
): Promise<void> {
  const { raw, minutes } = tablesOf(catalog);
  for (const erasure of erasures) {
    const { field, adKeys, inMinutes } = erasure;
    const wanted = await WantedValues.find(writer, catalog, erasure);
    await noteErasedKeys(writer, field, wanted.keys);
    if (adKeys.length === 0) continue;
    for (const table of [...raw, ...(inMinutes ? minutes : [])]) {
      const condition = wanted.conditionOn(table);
      if (condition === undefined) continue;
      const bindings = new Bindings();
      await writer.run(
        `WITH ${wanted.textsToSql(bindings)}
         UPDATE ${quoted(table.name)} c SET ${clearedToSql(table, field)}
         WHERE c.ad IN (SELECT unnest(${bindings.add(adKeys.map(integer))}::INTEGER[])) AND ${condition}`,
        bindings.values,
      );
    }
  }
}

function clearedToSql(table: TableShape, field: string): string {
  const columns = [
    [keyColumn(field), "0"],
    [textColumn(field), "NULL"],
    [ipColumn(field), "NULL"],
  ] as const;
  return columns
    .filter(([{ name }]) => table.has(name))
    .map(([{ name }, missing]) => `${quoted(name)} = ${missing}`)
    .join(", ");
}

/**
 * The values in every form in which they may be kept, found once a statement: there may be a thousand of them, and hundreds
 * of tables. A value that is no address is none, whatever type the dimension has by now.
 */
class WantedValues {
  private readonly field: string;
  private readonly texts: readonly string[];
  /** In the dimension's dictionary. */
  readonly keys: readonly number[];
  private readonly addresses: readonly bigint[];

  private constructor({ field, values }: ErasedValues, keys: readonly number[]) {
    this.field = field;
    this.texts = values;
    this.keys = keys;
    this.addresses = values.flatMap((value) => {
      const words = new Uint32Array(4);
      return parseIpInto(value, words, 0) ? [bigintOfWords(words, 0)] : [];
    });
  }

  static async find(
    connection: Connection,
    catalog: Catalog,
    values: ErasedValues,
  ): Promise<WantedValues> {
    return new WantedValues(values, await keysOf(connection, catalog, values));
  }

  /** The table `wanted`, which the conditions refer to. */
  textsToSql(bindings: Bindings): string {
    const texts = this.texts.map((text) => `(${bindings.add(text)})`);
    return `wanted("value") AS (VALUES ${texts.join(", ")})`;
  }

  /** True for rows `c` of the table that have one of them; undefined where none can. */
  conditionOn(table: TableShape): string | undefined {
    const { field, keys, addresses } = this;
    const [key, text, address] = [keyColumn, textColumn, ipColumn].map((of) => of(field).name);
    const conditions = [
      ...(table.has(key!) && keys.length > 0 ? [`c.${quoted(key!)} IN (${keys.join(", ")})`] : []),
      ...(table.has(text!) ? [`c.${quoted(text!)} IN (SELECT "value" FROM wanted)`] : []),
      ...(table.has(address!) && addresses.length > 0
        ? [`c.${quoted(address!)} IN (${addresses.map((n) => `'${n}'::UHUGEINT`).join(", ")})`]
        : []),
    ];
    return conditions.length === 0 ? undefined : `(${conditions.join(" OR ")})`;
  }
}

/** All of them: what was dropped and is not deleted yet has values too. */
function tablesOf(catalog: Catalog): {
  readonly raw: readonly TableShape[];
  readonly minutes: readonly TableShape[];
} {
  const days = [catalog.days.at(0) ?? 0, catalog.days.at(-1) ?? 0] as const;
  return {
    raw: [...catalog.raw(...days), catalog.table(expiredTable)],
    minutes: catalog.minutes(...days),
  };
}
