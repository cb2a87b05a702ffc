/** The SQL that lists the clicks of one ad, without I/O. */

import { Outcome } from "../../model/outcome.ts";
import { dayMs, minuteMs, minuteOf } from "../../model/time.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { ClicksQuery } from "../click-store.ts";
import type { Visibility } from "../visibility.ts";
import { visiblePieces } from "../visibility.ts";
import type { Catalog, TableShape } from "./catalog.ts";
import type { Statement } from "./connection.ts";
import type { FieldForm } from "./filter-sql.ts";
import { Bindings } from "./filter-sql.ts";
import type { StoreContext } from "./queries.ts";
import {
  attributeCte,
  attributeJoin,
  conditionOf,
  integer,
  missingColumn,
  QueryFields,
} from "./queries.ts";
import { countsForDedup } from "./scan.ts";
import { expiredTable, quoted, rawColumns } from "./schema.ts";
import { rawTableToSql } from "./visibility-sql.ts";

/** Epoch milliseconds, `[fromMs, toMs)`; may be endless. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export const allTimes: TimeRange = { fromMs: -Infinity, toMs: Infinity };

export function timeRangeOf({ fromMinute, toMinute }: MinuteRange): TimeRange {
  return { fromMs: fromMinute * minuteMs, toMs: toMinute * minuteMs };
}

/** Rows are: outcome, count. */
export function outcomesToSql(query: ClicksQuery, adKey: number, context: StoreContext): Statement {
  const bindings = new Bindings();
  const { ctes } = matchedToSql(query, timeRangeOf(query), adKey, context, bindings);
  const sql = `WITH ${ctes.join(",\n")} SELECT outcome, count(*) FROM matched GROUP BY outcome`;
  return { sql, values: bindings.values };
}

/**
 * Rows are: click_timestamp, partition, offset, row, received_at, source, outcome; position, kind of the event id, the
 * id, its text; then for each dimension its text and its address, null as in aggregateToSql.
 */
export function pageToSql(query: ClicksQuery, adKey: number, context: StoreContext): Statement {
  const { after, dimensions } = query;
  const limit = integer(query.limit);
  const bindings = new Bindings();
  const whole = timeRangeOf(query);
  const range = after ? { ...whole, fromMs: after.clickTimestampMs } : whole;
  const { ctes, fields } = matchedToSql(query, range, adKey, context, bindings);
  const isNew = after ? `click_timestamp > ${integer(after.clickTimestampMs)}` : "TRUE";
  const place = ["click_timestamp", `"partition"`, "log_offset", `"row"`].join(", ");
  const isAfter = after
    ? `(${place}) > (${[after.clickTimestampMs, after.partition, after.offset, after.row].map(integer).join(", ")})`
    : "TRUE";
  const values = dimensions.map((name, i) => valueOf(i, fields.formsOf(name)));
  const sql = `WITH ${ctes.join(",\n")},
    -- So many clicks reach no further than this, so that only those, and what ties with them, need their record.
    reach AS (
      SELECT click_timestamp FROM matched WHERE ${isNew}
      ORDER BY click_timestamp LIMIT 1 OFFSET ${limit - 1}),
    near AS (
      SELECT * FROM matched
      WHERE click_timestamp <= coalesce((SELECT click_timestamp FROM reach), ${integer(range.toMs)})),
    page AS (
      SELECT * FROM (${placedToSql("near", range)}) WHERE ${isAfter}
      ORDER BY ${place} LIMIT ${limit})
    SELECT ${[...storedColumns, ...identityColumns.map((name) => `c.${name}`), ...values.flatMap((v) => v.shown)].join(", ")}
    FROM page c JOIN source s ON s."key" = c.source ${values.map((v) => v.join).join(" ")}
    ORDER BY ${place}`;
  return { sql, values: bindings.values };
}

/** Where originals are looked for. */
export interface OriginalSearch extends TimeRange {
  readonly inSameMinute: boolean;
}

/**
 * Rows are: position of the duplicate; click_timestamp, partition, offset, row, received_at, source, outcome of its
 * original. `duplicates`: positions of clicks of `range`; those without an original in the search have no row.
 */
export function originalsToSql(
  duplicates: readonly number[],
  range: TimeRange,
  search: OriginalSearch,
  adKey: number,
  { catalog, visibility }: { readonly catalog: Catalog; readonly visibility?: Visibility },
): Statement {
  const columns = ["click_timestamp", "outcome", ...identityColumns].join(", ");
  const select = (tables: readonly TableShape[], times: TimeRange, condition: string) =>
    tables
      .map(
        ({ name }) =>
          `SELECT ${columns} FROM ${rawTableToSql(name, visibility, minutesOf(times))} WHERE ${[...within(times), `ad = ${integer(adKey)}`, condition].join(" AND ")}`,
      )
      .join(" UNION ALL ");
  const wanted = `outcome = ${Outcome.duplicate} AND "position" IN (${duplicates.map(integer).join(", ")})`;
  const isSameMinute = `r.click_timestamp // ${minuteMs} = w.click_timestamp // ${minuteMs}`;
  const sql = `WITH wanted AS (${select(rawWithin(catalog, range), range, wanted)}),
    recorded AS (${select(rawWithin(catalog, search), search, countsForDedup)}),
    originals AS (
      SELECT w."position" AS duplicate, r.click_timestamp, r.outcome, r."position"
      FROM wanted w JOIN recorded r
        ON r.event_id_kind = w.event_id_kind AND r.event_id = w.event_id
          AND r.event_id_text IS NOT DISTINCT FROM w.event_id_text
          AND r."position" < w."position" ${search.inSameMinute ? `AND ${isSameMinute}` : ""}
      QUALIFY row_number() OVER (PARTITION BY w."position" ORDER BY r."position" DESC) = 1)
    SELECT ${["c.duplicate", ...storedColumns].join(", ")}
    FROM (${placedToSql("originals", search)}) c JOIN source s ON s."key" = c.source`;
  return { sql, values: [] };
}

const identityColumns = [`"position"`, "event_id_kind", "event_id", "event_id_text"] as const;

/** Of a click `c` with its place, from the source `s`. */
const storedColumns = [
  "c.click_timestamp",
  `c."partition"`,
  "c.log_offset",
  `c."row"`,
  "c.received_at",
  `s."value"`,
  "c.outcome",
] as const;

/** Ends with the table `matched`. Nothing is materialised: an ad may have more clicks than memory holds. */
function matchedToSql(
  query: ClicksQuery,
  range: TimeRange,
  adKey: number,
  { catalog, addressDimensions }: StoreContext,
  bindings: Bindings,
): { readonly ctes: readonly string[]; readonly fields: QueryFields } {
  const { filter, dimensions, visibility } = query;
  const tables = [...rawWithin(catalog, range), catalog.table(expiredTable)];
  const knownKey = () => undefined;
  const asked = { ...(filter && { filter }), groupBy: dimensions };
  const fields = new QueryFields(asked, tables, { catalog, addressDimensions, knownKey });
  const own = rawColumns.map(({ name }) => quoted(name));
  const selects = tables.map((table) => {
    const rest = fields.columns.map((name) =>
      table.has(name) ? quoted(name) : missingColumn(name),
    );
    const minute = `(click_timestamp // ${minuteMs})::INTEGER AS minute`;
    const conditions = [...within(range), `ad = ${integer(adKey)}`].join(" AND ");
    const name = rawTableToSql(table.name, visibility, query);
    return `SELECT ${[...own, minute, ...rest].join(", ")} FROM ${name} WHERE ${conditions}`;
  });
  const condition = conditionOf(asked, fields, knownKey, bindings);
  const pieces = visiblePieces(visibility, query);
  const ctes = [
    `clicks AS NOT MATERIALIZED (${selects.join("\nUNION ALL ")})`,
    ...fields.attributes.map((name, i) => attributeCte(i, bindings.add(name), pieces)),
    `matched AS NOT MATERIALIZED (
      SELECT c.* FROM clicks c ${fields.attributes.map(attributeJoin).join(" ")} WHERE ${condition})`,
  ];
  return { ctes, fields };
}

/** The rows of a table with position and click_timestamp, with the record of the log that each came in. */
export function placedToSql(table: string, { fromMs, toMs }: TimeRange): string {
  const conditions = [
    "row_count > 0",
    ...(Number.isFinite(fromMs) ? [`last_day >= ${dayOf(fromMs)}`] : []),
    ...(Number.isFinite(toMs) ? [`first_day <= ${dayOf(toMs - 1)}`] : []),
  ];
  return `SELECT c.*, l.commit_sequence, l."partition", l.log_offset, c."position" - l.first_position AS "row",
      l.received_at, l.source
    FROM ${table} c ASOF JOIN (SELECT * FROM log_record WHERE ${conditions.join(" AND ")}) l
      ON c."position" >= l.first_position`;
}

/** Where clicks of these times are, but for those that had expired. */
export function rawWithin(catalog: Catalog, { fromMs, toMs }: TimeRange): TableShape[] {
  return catalog.raw(dayOf(fromMs), dayOf(toMs - 1));
}

/** Conditions; none where the range has no end. */
export function within({ fromMs, toMs }: TimeRange): string[] {
  return [
    ...(Number.isFinite(fromMs) ? [`click_timestamp >= ${integer(fromMs)}`] : []),
    ...(Number.isFinite(toMs) ? [`click_timestamp < ${integer(toMs)}`] : []),
  ];
}

/** That have any of these times. */
function minutesOf({ fromMs, toMs }: TimeRange): MinuteRange {
  return { fromMinute: minuteOf(fromMs), toMinute: Math.ceil(toMs / minuteMs) };
}

/** Epoch day. */
export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / dayMs);
}

/** What is shown of a dimension of the click `c`: its text and its address. */
function valueOf(
  i: number,
  forms: readonly FieldForm[],
): { readonly shown: readonly string[]; readonly join: string } {
  const key = forms.find((form) => form.kind === "key");
  const text = forms.find((form) => form.kind === "text");
  const address = forms.find((form) => form.kind === "ip");
  const texts = [...(key?.table ? [`d${i}."value"`] : []), ...(text ? [text.sql] : [])];
  return {
    shown: [
      `coalesce(${[...texts, "NULL::VARCHAR"].join(", ")})`,
      address?.sql ?? "NULL::UHUGEINT",
    ],
    join: key?.table ? `LEFT JOIN ${key.table} d${i} ON d${i}."key" = ${key.sql}` : "",
  };
}
