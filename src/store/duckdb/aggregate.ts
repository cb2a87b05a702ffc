/** Answers aggregates: looks up the keys a query names, runs its SQL, and reads the rows. */

import { adDictionary } from "../../model/commit.ts";
import { formatIp } from "../../model/ip.ts";
import type { AggregateQuery, AggregateRow } from "../click-store.ts";
import type { Catalog } from "./catalog.ts";
import type { Connection } from "./connection.ts";
import { keyedValues } from "./filter-sql.ts";
import type { StoreContext } from "./queries.ts";
import { aggregateToSql } from "./queries.ts";
import { wordsOfBigint } from "./read-chunk.ts";
import type { SqlRow } from "./read-chunk.ts";
import { dictionaryTable, quoted } from "./schema.ts";

/** Keys of dictionary values that queries asked for lately. A key never changes; unknown values are not kept. */
export class KeyCache {
  private readonly keys = new Map<string, number>();
  private readonly entriesMax: number;

  constructor(entriesMax = 20_000) {
    this.entriesMax = entriesMax;
  }

  get(dictionary: string, value: string): number | undefined {
    return this.keys.get(`${dictionary}\0${value}`);
  }

  set(dictionary: string, value: string, key: number): void {
    if (this.keys.size >= this.entriesMax) this.keys.clear();
    this.keys.set(`${dictionary}\0${value}`, key);
  }
}

export async function aggregate(
  connection: Connection,
  context: StoreContext,
  cache: KeyCache,
  query: AggregateQuery,
): Promise<{ asOf: number; rows: AggregateRow[] }> {
  await learnKeys(connection, context.catalog, cache, query);
  const knownKey = (dictionary: string, value: string) => cache.get(dictionary, value);
  const { sql, values } = aggregateToSql(query, { ...context, knownKey });
  const rows = await connection.rows(sql, values);
  return {
    asOf: (rows[0]?.[0] as number | null | undefined) ?? 0,
    rows: rows.filter((row) => row.at(-1) !== null).map((row) => rowOf(row, query.groupBy.length)),
  };
}

function rowOf(row: SqlRow, groupCount: number): AggregateRow {
  return {
    bucketStart: row[1] as number,
    group: Array.from({ length: groupCount }, (_, i) => {
      const address = row[3 + 2 * i] as bigint | null;
      if (address !== null) return formatIp(wordsOfBigint(address), 0);
      return row[2 + 2 * i] as string | null;
    }),
    count: row.at(-1) as number,
  };
}

/** A known key lets a query skip what cannot hold it; an unknown one is looked up within the query itself. */
async function learnKeys(
  connection: Connection,
  catalog: Catalog,
  cache: KeyCache,
  { filter, adId }: AggregateQuery,
): Promise<void> {
  const asked = keyedValues(filter, (field) => {
    const dictionary = field === "ad_id" ? adDictionary : field;
    const table = dictionaryTable(dictionary);
    if (!catalog.hasTable(table)) return [];
    return [{ kind: "key", sql: "", dictionary, table: quoted(table) }];
  });
  if (adId !== undefined) {
    const table = dictionaryTable(adDictionary);
    asked.push({ dictionary: adDictionary, table, value: adId });
  }
  const unknown = asked.filter(
    ({ dictionary, value }) => cache.get(dictionary, value) === undefined,
  );
  const byDictionary = Map.groupBy(unknown, ({ dictionary }) => dictionary);
  for (const [dictionary, wanted] of byDictionary) {
    const parameters = wanted.map((_, i) => `$${i + 1}`).join(", ");
    const rows = await connection.rows(
      `SELECT "key", "value" FROM ${wanted[0]!.table} WHERE "value" IN (${parameters})`,
      wanted.map(({ value }) => value),
    );
    for (const [key, value] of rows) cache.set(dictionary, value as string, key as number);
  }
}
