/** The SQL of what is exported, without I/O. Every column is text, a whole number or, in Parquet, a time (UTC). */

import { EventIdKind } from "../../model/click-batch.ts";
import { adDictionary } from "../../model/commit.ts";
import { outcomeNames } from "../../model/outcome.ts";
import { dayOfMinute, minuteMs } from "../../model/time.ts";
import type { ExportQuery } from "../store-exports.ts";
import type { TableShape } from "./catalog.ts";
import { placedToSql } from "./clicks-sql.ts";
import type { FieldForm } from "./filter-sql.ts";
import { integer, QueryFields, unionToSql } from "./queries.ts";
import type { StoreContext } from "./queries.ts";
import { dictionaryTable, expiredTable, quoted } from "./schema.ts";

/** How many rows the tables have of it: where none, there is nothing to export. */
export function rowsToSql(query: ExportQuery, context: StoreContext): string {
  const selects = tablesOf(query, context).map(
    ({ name }) => `SELECT count(*) AS n FROM ${quoted(name)} WHERE ${within(query)}`,
  );
  return `SELECT sum(n)::BIGINT FROM (${selects.join(" UNION ALL ")})`;
}

export function exportToSql(query: ExportQuery, context: StoreContext): string {
  return query.what === "clicks" ? clicksToSql(query, context) : minutesToSql(query, context);
}

/** Columns: ad_id, event_id, click_timestamp, received_at, source, outcome, and the dimensions. */
function clicksToSql(query: ExportQuery, context: StoreContext): string {
  const tables = tablesOf(query, context);
  const fields = fieldsOf(query.dimensions, tables, context);
  const own = ["click_timestamp", "ad", "event_id_kind", "event_id", "event_id_text", "outcome"];
  const clicks = unionToSql(tables, [...own, `"position"`], fields.columns, within(query));
  const range = { fromMs: query.fromMinute * minuteMs, toMs: query.toMinute * minuteMs };
  const dimensions = query.dimensions.map((name, i) => dimensionOf(i, fields.formsOf(name)));
  const outcomes = outcomeNames.map((name, i) => `WHEN ${i} THEN '${name}'`).join(" ");
  const shown = {
    ad_id: `ad."value"`,
    event_id: eventIdToSql("c"),
    click_timestamp: timeToSql("c.click_timestamp", query),
    received_at: timeToSql("c.received_at", query),
    source: `s."value"`,
    outcome: `CASE c.outcome ${outcomes} END`,
  };
  return `WITH clicks AS NOT MATERIALIZED (${clicks}), placed AS NOT MATERIALIZED (${placedToSql("clicks", range)})
    SELECT ${columnList(shown, query.dimensions, dimensions)}
    FROM placed c JOIN source s ON s."key" = c.source ${adJoin} ${dimensions.map(({ join }) => join).join(" ")}
    ORDER BY c.click_timestamp, c."partition", c.log_offset, c."row"`;
}

/** Columns: minute, ad_id, the dimensions, and count. */
function minutesToSql(query: ExportQuery, context: StoreContext): string {
  const tables = tablesOf(query, context);
  const fields = fieldsOf(query.dimensions, tables, context);
  const keys = ["minute", "ad", ...fields.columns.map(quoted)].join(", ");
  const counts = unionToSql(tables, ["minute", "ad", "clicks"], fields.columns, within(query));
  const dimensions = query.dimensions.map((name, i) => dimensionOf(i, fields.formsOf(name)));
  const minute = timeToSql(`c.minute::BIGINT * ${minuteMs}`, query);
  const shown = columnList({ minute, ad_id: `ad."value"` }, query.dimensions, dimensions);
  const order = ["c.minute", `ad."value"`, ...dimensions.map(({ sql }) => `${sql} NULLS FIRST`)];
  return `WITH counts AS (
      SELECT ${keys}, SUM(clicks)::BIGINT AS n FROM (${counts}) GROUP BY ALL HAVING SUM(clicks) > 0)
    SELECT ${shown}, c.n AS "count"
    FROM counts c ${adJoin} ${dimensions.map(({ join }) => join).join(" ")}
    ORDER BY ${order.join(", ")}`;
}

function tablesOf(
  { what, fromMinute, toMinute }: ExportQuery,
  { catalog }: StoreContext,
): TableShape[] {
  const [firstDay, lastDay] = [dayOfMinute(fromMinute), dayOfMinute(toMinute - 1)];
  if (what === "minutes") return catalog.minutes(firstDay, lastDay);
  return [...catalog.raw(firstDay, lastDay), catalog.table(expiredTable)];
}

function within({ what, fromMinute, toMinute }: ExportQuery): string {
  const [from, to] = [integer(fromMinute), integer(toMinute)];
  if (what === "minutes") return `minute >= ${from} AND minute < ${to}`;
  return `click_timestamp >= ${from * minuteMs} AND click_timestamp < ${to * minuteMs}`;
}

export function fieldsOf(
  dimensions: readonly string[],
  tables: readonly TableShape[],
  context: StoreContext,
): QueryFields {
  const knownKey = () => undefined;
  return new QueryFields({ groupBy: dimensions }, tables, { ...context, knownKey });
}

const adJoin = `JOIN ${dictionaryTable(adDictionary)} ad ON ad."key" = c.ad`;

export interface ShownDimension {
  readonly sql: string;
  readonly join: string;
}

/** A dimension may have been kept in several ways. */
export function dimensionOf(i: number, forms: readonly FieldForm[]): ShownDimension {
  const joins: string[] = [];
  const values = forms.flatMap((form) => {
    if (form.kind === "text") return [form.sql];
    if (form.kind === "ip") return [ipToSql(form.sql)];
    if (form.table === undefined) return [];
    joins.push(`LEFT JOIN ${form.table} d${i} ON d${i}."key" = ${form.sql}`);
    return [`d${i}."value"`];
  });
  return { sql: `coalesce(${[...values, "NULL::VARCHAR"].join(", ")})`, join: joins.join(" ") };
}

/** A dimension with the name of another column is set apart by a name that no dimension can have. */
function columnList(
  own: Readonly<Record<string, string>>,
  names: readonly string[],
  dimensions: readonly ShownDimension[],
): string {
  const taken = new Set([...Object.keys(own), "count"]);
  return [
    ...Object.entries(own).map(([name, sql]) => `${sql} AS ${quoted(name)}`),
    ...dimensions.map(({ sql }, i) => {
      const name = names[i]!;
      return `${sql} AS ${quoted(taken.has(name) ? `dimension.${name}` : name)}`;
    }),
  ].join(", ");
}

/** In CSV as the API has it; Parquet has a type for it. */
function timeToSql(milliseconds: string, { format }: ExportQuery): string {
  const time = `epoch_ms(${milliseconds})`;
  return format === "parquet" ? time : `strftime(${time}, '%Y-%m-%dT%H:%M:%S.%gZ')`;
}

/** As formatEventId. */
function eventIdToSql(row: string): string {
  const hex = `lpad(lower(to_hex(${row}.event_id)), 32, '0')`;
  const parts = [`[1:8]`, `[9:12]`, `[13:16]`, `[17:20]`, `[21:32]`];
  const uuid = `concat_ws('-', ${parts.map((part) => `(${hex})${part}`).join(", ")})`;
  return `CASE ${row}.event_id_kind WHEN ${EventIdKind.text} THEN ${row}.event_id_text
    WHEN ${EventIdKind.derived} THEN 'derived:' || ${hex} ELSE ${uuid} END`;
}

/** As formatIp: dotted decimal, or the form of RFC 5952, in which the first of the longest runs of zeros is left out. */
export function ipToSql(address: string): string {
  const bits = (shift: number, mask: number): string =>
    `((${address} >> ${shift}) & ${mask}::UHUGEINT)::INTEGER`;
  const bytes = [24, 16, 8, 0].map((shift) => bits(shift, 255));
  const groups = [112, 96, 80, 64, 48, 32, 16, 0].map(
    (shift) => `lower(to_hex(${bits(shift, 65_535)}))`,
  );
  const cases = [8, 7, 6, 5, 4, 3, 2].map((length) => {
    const run = `'(^|:)0(:0){${length - 1}}(:|$)'`;
    return `WHEN regexp_matches(t, ${run}) THEN regexp_replace(t, ${run}, '::')`;
  });
  return `CASE WHEN ${address} IS NULL THEN NULL
    WHEN (${address} >> 32) = 65535::UHUGEINT THEN concat_ws('.', ${bytes.join(", ")})
    ELSE list_transform([concat_ws(':', ${groups.join(", ")})], lambda t: CASE ${cases.join(" ")} ELSE t END)[1] END`;
}
