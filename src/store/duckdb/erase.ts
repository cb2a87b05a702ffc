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
import type { Column } from "./schema.ts";
import { expiredTable, ipColumn, keyColumn, quoted, textColumn } from "./schema.ts";

/** See ClickStore.holders. */
export async function readHolders(
  connection: Connection,
  catalog: Catalog,
  query: HoldersQuery,
): Promise<ValueHolder[]> {
  const bindings = new Bindings();
  const wanted = await WantedValues.find(connection, catalog, query);
  const { raw, minutes } = tablesOf(catalog);
  const selects = [
    ...raw.map((table) => ({ table, time: "click_timestamp" })),
    ...minutes.map((table) => ({ table, time: "NULL::BIGINT" })),
  ].flatMap(({ table, time }) => {
    const values = wanted.columnsOf(table);
    return values === undefined
      ? []
      : [`SELECT ad, ${time} AS click_timestamp, ${values} FROM ${quoted(table.name)}`];
  });
  if (selects.length === 0) return [];
  // Looked up above the union: within it the state of a join would be held for all tables at a time, and there are many.
  const found = await connection.rows(
    `WITH ${wanted.tablesToSql(bindings)}
     SELECT ad, count(click_timestamp) FILTER (WHERE ${notDroppedToSql(query.partition)}),
       max((click_timestamp IS NULL)::INTEGER)
     FROM (${selects.join(" UNION ALL ")}) c WHERE ${wanted.isWanted()} GROUP BY ad`,
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

  /** That, and tables of the other forms. */
  tablesToSql(bindings: Bindings): string {
    const { keys, addresses } = this;
    const list = (values: readonly (number | bigint)[], type: string): string =>
      `(SELECT unnest([${values.map((value) => `'${value}'`).join(", ")}]::${type}[]))`;
    return `${this.textsToSql(bindings)}, wanted_key("key") AS ${list(keys, "INTEGER")},
      wanted_address(address) AS ${list(addresses, "UHUGEINT")}`;
  }

  /** The forms in which a table has the dimension, missing where it has not; undefined where it has none. */
  columnsOf(table: TableShape): string | undefined {
    const columns = this.columns();
    if (!columns.some(({ name }) => table.has(name))) return undefined;
    return columns
      .map(({ name, type }) =>
        table.has(name) ? quoted(name) : `NULL::${type} AS ${quoted(name)}`,
      )
      .join(", ");
  }

  /** True for rows with these columns that have one of them. */
  isWanted(): string {
    const [key, text, address] = this.columns().map(({ name }) => quoted(name));
    return `(${key} IN (SELECT "key" FROM wanted_key) OR ${text} IN (SELECT "value" FROM wanted)
      OR ${address} IN (SELECT address FROM wanted_address))`;
  }

  private columns(): readonly Column[] {
    return [keyColumn(this.field), textColumn(this.field), ipColumn(this.field)];
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
