/** Counts the minute rows again from raw, day by day, and compares. */

import { adDictionary } from "../../model/commit.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import { configAt } from "../../model/semantic-config.ts";
import { dayMs, dayOfMinute, minuteMs, minutesADay } from "../../model/time.ts";
import type { RecountDifference } from "../click-store.ts";
import type { Catalog, TableShape } from "./catalog.ts";
import type { Connection } from "./connection.ts";
import { missingColumn } from "./queries.ts";
import { readConfigs, readSequence } from "./read.ts";
import { keyColumnsOf } from "./scan.ts";
import { dictionaryTable, quoted } from "./schema.ts";

export interface Recount {
  readonly asOf: number;
  readonly comparedRows: number;
  readonly comparedClicks: number;
  readonly differingRows: number;
  readonly differences: readonly RecountDifference[];
}

/** All days in one transaction, so that they are of one snapshot. */
export async function recount(
  connection: Connection,
  catalog: Catalog,
  fromMinute: number,
  toMinute: number,
  limit: number,
): Promise<Recount> {
  await connection.run("BEGIN TRANSACTION READ ONLY");
  try {
    const asOf = await readSequence(connection);
    const configs = await readConfigs(connection);
    const total = { comparedRows: 0, comparedClicks: 0, differingRows: 0 };
    const differences: RecountDifference[] = [];
    for (const day of await daysBetween(connection, catalog, fromMinute, toMinute)) {
      const comparison = comparisonOfDay(
        catalog,
        configs,
        day,
        Math.max(fromMinute, day * minutesADay),
        Math.min(toMinute, (day + 1) * minutesADay),
      );
      const [sums] = await connection.rows(`${comparison.sql}
        SELECT count(*), coalesce(SUM(raw_count), 0)::BIGINT,
          count(*) FILTER (WHERE raw_count <> minute_count) FROM compared`);
      const [comparedRows, comparedClicks, differingRows] = sums as [number, number, number];
      total.comparedRows += comparedRows;
      total.comparedClicks += comparedClicks;
      total.differingRows += differingRows;
      const wanted = limit - differences.length;
      if (differingRows > 0 && wanted > 0) {
        differences.push(...(await differencesOf(connection, comparison, wanted)));
      }
    }
    return { asOf, ...total, differences };
  } finally {
    await connection.run("COMMIT").catch(() => undefined);
  }
}

/** Days that have tables of their own, or rows in tables of many days. */
async function daysBetween(
  connection: Connection,
  catalog: Catalog,
  fromMinute: number,
  toMinute: number,
): Promise<number[]> {
  const raw = catalog
    .scattered()
    .map(({ name }) => `SELECT (click_timestamp // ${dayMs})::INTEGER AS day FROM ${name}`);
  const minutes = catalog
    .deltas()
    .map(({ name }) => `SELECT (minute // ${minutesADay})::INTEGER AS day FROM ${name}`);
  const rows = await connection.rows(
    `SELECT DISTINCT day FROM (${[...raw, ...minutes].join(" UNION ALL ")})`,
  );
  const first = dayOfMinute(fromMinute);
  const last = dayOfMinute(toMinute - 1);
  return [...new Set([...catalog.days, ...rows.map((row) => row[0] as number)])]
    .filter((day) => day >= first && day <= last)
    .sort((a, b) => a - b);
}

interface Comparison {
  /** Ends with the table `compared`. */
  readonly sql: string;
  /** Key columns. */
  readonly columns: readonly string[];
  readonly catalog: Catalog;
}

function comparisonOfDay(
  catalog: Catalog,
  configs: readonly SemanticConfig[],
  day: number,
  from: number,
  to: number,
): Comparison {
  const raw = catalog.raw(day, day);
  const minutes = catalog.minutes(day, day);
  const columns = keyColumnsOf([...raw, ...minutes]);
  const keys = ["minute", "ad", ...columns.map(quoted)];
  const union = (tables: readonly TableShape[], head: string, range: string) =>
    tables
      .map((table) => {
        const own = columns.map((name) => (table.has(name) ? quoted(name) : missingColumn(name)));
        return `SELECT ${[head, ...own].join(", ")} FROM ${table.name} WHERE ${range}`;
      })
      .join(" UNION ALL ");
  const rawRows = union(
    raw,
    `(click_timestamp // ${minuteMs})::INTEGER AS minute, ad`,
    `click_timestamp >= ${from * minuteMs} AND click_timestamp < ${to * minuteMs} AND outcome IN (0, 2)`,
  );
  const rawKeys = columns.map((name) => keyWhereKept(name, configs, from, to));
  const maskedRows = `SELECT ${["minute", "ad", ...rawKeys].join(", ")} FROM (${rawRows})`;
  const minuteRows = union(minutes, "minute, ad, clicks", `minute >= ${from} AND minute < ${to}`);
  const list = keys.join(", ");
  return {
    columns,
    catalog,
    sql: `WITH raw_counts AS (SELECT ${list}, count(*) AS n FROM (${maskedRows}) GROUP BY ${list}),
      minute_counts AS (SELECT ${list}, SUM(clicks)::BIGINT AS n FROM (${minuteRows}) GROUP BY ${list}),
      compared AS (
        SELECT ${list}, coalesce(r.n, 0)::BIGINT AS raw_count, coalesce(m.n, 0)::BIGINT AS minute_count
        FROM raw_counts r FULL JOIN minute_counts m USING (${list}))`,
  };
}

/** The key column of raw rows as the minute store has it: 0 in minutes whose layout has no such dimension. */
function keyWhereKept(
  column: string,
  configs: readonly SemanticConfig[],
  fromMinute: number,
  toMinute: number,
): string {
  const dimension = column.slice("k_".length);
  const isKeptAt = (minute: number) =>
    configs.length === 0 ||
    configAt(configs, minute).dimensions.some(
      ({ name, in: place }) => name === dimension && place === "minute",
    );
  const changes = configs
    .map((config) => config.fromMinute)
    .filter((minute) => minute > fromMinute && minute < toMinute);
  const starts = [...new Set([fromMinute, ...changes])].sort((a, b) => a - b);
  if (starts.every(isKeptAt)) return quoted(column);
  const kept = starts.flatMap((start, i) =>
    isKeptAt(start) ? [`minute >= ${start} AND minute < ${starts[i + 1] ?? toMinute}`] : [],
  );
  if (kept.length === 0) return `0 AS ${quoted(column)}`;
  return `CASE WHEN ${kept.join(" OR ")} THEN ${quoted(column)} ELSE 0 END AS ${quoted(column)}`;
}

async function differencesOf(
  connection: Connection,
  { sql, columns, catalog }: Comparison,
  limit: number,
): Promise<RecountDifference[]> {
  const known = columns.filter((name) => catalog.hasTable(dictionaryTable(name.slice(2))));
  const joins = known.map(
    (name, i) =>
      `LEFT JOIN ${quoted(dictionaryTable(name.slice(2)))} d${i} ON d${i}."key" = c.${quoted(name)}`,
  );
  const values = known.map((_, i) => `d${i}."value"`);
  const rows = await connection.rows(`${sql}
    SELECT ${["c.minute", `a."value" AS ad_id`, "c.raw_count", "c.minute_count", ...values].join(", ")}
    FROM compared c LEFT JOIN ${dictionaryTable(adDictionary)} a ON a."key" = c.ad ${joins.join(" ")}
    WHERE c.raw_count <> c.minute_count ORDER BY c.minute, ad_id LIMIT ${limit}`);
  return rows.map((row) => ({
    minute: row[0] as number,
    adId: row[1] as string,
    dimensions: Object.fromEntries(
      known.map((name, i) => [name.slice(2), row[4 + i] as string | null]),
    ),
    rawCount: row[2] as number,
    minuteCount: row[3] as number,
  }));
}
