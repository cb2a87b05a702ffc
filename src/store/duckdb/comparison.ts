/** The SQL that counts a day's minute rows again from raw and puts both side by side, without I/O. */

import type { LayoutPiece } from "../../model/minute-layout.ts";
import { dayMs, dayOfMinute, minuteMs, minutesADay } from "../../model/time.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { Catalog } from "./catalog.ts";
import type { Connection } from "./connection.ts";
import { unionToSql } from "./queries.ts";
import { keyColumnsOf } from "./scan.ts";
import { dictionaryTable, dimensionOfKey, keyColumn, quoted, textColumn } from "./schema.ts";

export interface Comparison {
  /**
   * Ends with the table `compared`: minute, ad, the key of each dimension (`k_NAME`), of those with texts the value that
   * has no key (`s_NAME`), raw_count, minute_count.
   */
  readonly sql: string;
  readonly dimensions: readonly string[];
  /** Dimensions of which raw rows may have a text in place of a key: they were moved to the minute rows later. */
  readonly withTexts: readonly string[];
}

/** `layout`: which dimensions the minute rows should have; it covers the range. */
export function comparisonOfDay(
  catalog: Catalog,
  layout: readonly LayoutPiece[],
  day: number,
  { fromMinute, toMinute }: MinuteRange,
): Comparison {
  const from = Math.max(fromMinute, day * minutesADay);
  const to = Math.min(toMinute, (day + 1) * minutesADay);
  const raw = catalog.raw(day, day);
  const minutes = catalog.minutes(day, day);
  const pieces = layout.filter((piece) => piece.fromMinute < to && piece.toMinute > from);
  const kept = new Set(pieces.flatMap((piece) => piece.dimensions));
  const keyed = keyColumnsOf([...raw, ...minutes]).map(dimensionOfKey);
  const dimensions = [...new Set([...keyed, ...kept])];
  const withTexts = [...kept].filter((name) =>
    raw.some((table) => table.has(textColumn(name).name)),
  );
  const keys = dimensions.map((name) => keyColumn(name).name);
  const texts = withTexts.map((name) => textColumn(name).name);
  const whenKept = (name: string): string =>
    conditionOf((piece) => piece.dimensions.includes(name), pieces);
  const list = ["minute", "ad", ...[...keys, ...texts].map(quoted)].join(", ");

  const rawRows = unionToSql(
    raw,
    [`(click_timestamp // ${minuteMs})::INTEGER AS minute`, "ad"],
    [...keys, ...texts],
    `click_timestamp >= ${from * minuteMs} AND click_timestamp < ${to * minuteMs} AND outcome IN (0, 2)`,
  );
  const maskedKeys = dimensions.map((name) => masked(keyColumn(name).name, whenKept(name), "0"));
  const maskedTexts = withTexts.map((name) => {
    const isText = `${quoted(keyColumn(name).name)} = 0`;
    const when = whenKept(name) === "TRUE" ? isText : `${whenKept(name)} AND ${isText}`;
    return masked(textColumn(name).name, when, "NULL");
  });
  const resolved = withTexts.filter((name) => catalog.hasTable(dictionaryTable(name)));
  const minuteRange = `minute >= ${from} AND minute < ${to}`;
  const minuteRows = unionToSql(minutes, ["minute", "ad", "clicks"], keys, minuteRange);
  const comparedKeys = dimensions.map((name) => {
    const isMixed = (piece: LayoutPiece): boolean => piece.mixed?.includes(name) === true;
    return masked(
      keyColumn(name).name,
      conditionOf((piece) => !isMixed(piece), pieces),
      "0",
    );
  });
  const minuteList = ["minute", "ad", ...keys.map(quoted), ...texts.map(() => "NULL::VARCHAR")];
  return {
    dimensions,
    withTexts,
    sql: `WITH raw_counts AS (
        SELECT ${list}, count(*) AS n
        FROM (SELECT ${["minute", "ad", ...maskedKeys, ...maskedTexts].join(", ")} FROM (${rawRows}))
        GROUP BY ${list}),
      keyed_counts AS (${keyedCounts(keys, texts, resolved)}),
      minute_counts AS (
        SELECT ${["minute", "ad", ...keys.map(quoted)].join(", ")}, SUM(clicks) AS n
        FROM (SELECT ${["minute", "ad", "clicks", ...comparedKeys].join(", ")} FROM (${minuteRows}))
        GROUP BY ${["minute", "ad", ...keys.map(quoted)].join(", ")}),
      both_counts AS (
        SELECT ${list}, n AS raw_count, 0 AS minute_count FROM keyed_counts UNION ALL
        SELECT ${minuteList.join(", ")}, 0, n FROM minute_counts),
      compared AS (
        SELECT ${list}, SUM(raw_count)::BIGINT AS raw_count, SUM(minute_count)::BIGINT AS minute_count
        FROM both_counts GROUP BY ${list})`,
  };
}

/** The days of the range that may have clicks: those with tables of their own, or with rows in tables of many days. */
export async function daysBetween(
  connection: Connection,
  catalog: Catalog,
  { fromMinute, toMinute }: MinuteRange,
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

/** Gives texts that have a key by now their key, so that a value is one whichever way it was kept. */
function keyedCounts(
  keys: readonly string[],
  texts: readonly string[],
  resolved: readonly string[],
): string {
  const place = new Map(resolved.map((name, i) => [name, i]));
  const joins = resolved.map(
    (name, i) =>
      `LEFT JOIN ${quoted(dictionaryTable(name))} d${i} ON d${i}."value" = r.${quoted(textColumn(name).name)}`,
  );
  const shown = [
    ...keys.map((key) => {
      const i = place.get(dimensionOfKey(key));
      const own = `r.${quoted(key)}`;
      return i === undefined ? own : `coalesce(d${i}."key", ${own}) AS ${quoted(key)}`;
    }),
    ...texts.map((text) => {
      const i = place.get(text.slice("s_".length));
      const own = `r.${quoted(text)}`;
      return i === undefined
        ? own
        : `CASE WHEN d${i}."key" IS NULL THEN ${own} END AS ${quoted(text)}`;
    }),
  ];
  return `SELECT ${["r.minute", "r.ad", ...shown].join(", ")}, r.n FROM raw_counts r ${joins.join(" ")}`;
}

/** On the minute of a row: true in these pieces. */
function conditionOf(
  isWanted: (piece: LayoutPiece) => boolean,
  pieces: readonly LayoutPiece[],
): string {
  const keeping = pieces.filter(isWanted);
  if (keeping.length === pieces.length) return "TRUE";
  if (keeping.length === 0) return "FALSE";
  const ranges = keeping.map((p) => `minute >= ${p.fromMinute} AND minute < ${p.toMinute}`);
  return `(${ranges.join(" OR ")})`;
}

function masked(column: string, condition: string, otherwise: string): string {
  if (condition === "TRUE") return quoted(column);
  if (condition === "FALSE") return `${otherwise} AS ${quoted(column)}`;
  return `CASE WHEN ${condition} THEN ${quoted(column)} ELSE ${otherwise} END AS ${quoted(column)}`;
}
