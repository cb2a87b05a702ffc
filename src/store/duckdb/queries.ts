/** The SQL of aggregates, without I/O. */

import { adDictionary } from "../../model/commit.ts";
import { filterFields } from "../../model/filter.ts";
import { isProtectedForm } from "../../model/protected-value.ts";
import { dayOfMinute, minuteMs } from "../../model/time.ts";
import type { AggregateQuery } from "../click-store.ts";
import type { VisiblePiece } from "../visibility.ts";
import { visiblePieces } from "../visibility.ts";
import type { Catalog, TableShape } from "./catalog.ts";
import type { Statement } from "./connection.ts";
import type { FieldForm, KnownKey } from "./filter-sql.ts";
import { addressOf, Bindings, filterToSql } from "./filter-sql.ts";
import { dictionaryTable, quoted } from "./schema.ts";
import { attributeRowsToSql, minuteRowsToSql, rawTableToSql } from "./visibility-sql.ts";

/** What of the store a query is made for. */
export interface StoreContext {
  readonly catalog: Catalog;
  /** Dimensions whose dictionary holds addresses. */
  readonly addressDimensions: ReadonlySet<string>;
}

export interface QueryContext extends StoreContext {
  readonly knownKey: KnownKey;
}

/**
 * Rows are: as_of, bucket (null where no click matches), then for each field of groupBy its text and its address,
 * then the count. Text and address are null where the field has no such form or the click no value.
 */
export function aggregateToSql(query: AggregateQuery, context: QueryContext): Statement {
  const bindings = new Bindings();
  const tables = tablesOf(query, context.catalog);
  const fields = new QueryFields(query, tables, context);
  const groups = query.groupBy.map((field, i) => groupOf(i, fields.formsOf(field)));
  const condition = conditionOf(query, fields, context.knownKey, bindings);
  const bucket = bucketToSql(query, bindings);
  const limit = integer(query.limit);
  const pieces = visiblePieces(query.visibility, query);

  const selected = [
    ...bucket.map((sql) => `${sql} AS bucket`),
    ...groups.flatMap((g) => g.grouped),
  ];
  const ctes = [
    `clicks AS (${unionOf(query, tables, fields.columns)})`,
    ...fields.attributes.map((name, i) => attributeCte(i, bindings.add(name), pieces)),
    `grouped AS MATERIALIZED (
      SELECT ${[...selected, "SUM(c.n)::BIGINT AS n"].join(", ")}
      FROM clicks c ${[...fields.attributes.map(attributeJoin), ...groups.map((g) => g.innerJoin)].join(" ")}
      WHERE ${condition} GROUP BY ALL HAVING SUM(c.n) > 0)`,
  ];
  const order = orderToSql(query.order, groups);
  const source = query.order === "count" ? "WHERE n >= (SELECT min(n) FROM heads)" : "";
  if (query.order === "count") {
    ctes.push(`heads AS (SELECT n FROM grouped ORDER BY n DESC LIMIT ${limit})`);
  }
  const shownBucket =
    bucket.length > 0 ? "g.bucket" : `${integer(query.fromMinute)}::INTEGER AS bucket`;
  ctes.push(
    `shown AS (
      SELECT ${[shownBucket, ...groups.flatMap((g) => g.shown), "g.n"].join(", ")}
      FROM (SELECT * FROM grouped ${source}) g ${groups.map((g) => g.outerJoin).join(" ")})`,
    `page AS (
      SELECT * FROM shown WHERE ${afterToSql(query, groups, bindings)} ORDER BY ${order} LIMIT ${limit})`,
  );
  const sql = `WITH ${ctes.join(",\n")}
    SELECT s.as_of, p.* FROM (SELECT max("sequence") AS as_of FROM commit_log) s
    LEFT JOIN page p ON TRUE ORDER BY ${order}`;
  return { sql, values: bindings.values };
}

/** The tables that can hold clicks of the range. */
function tablesOf(
  { source, fromMinute, toMinute }: AggregateQuery,
  catalog: Catalog,
): TableShape[] {
  const firstDay = dayOfMinute(fromMinute);
  const lastDay = dayOfMinute(toMinute - 1);
  return source === "raw" ? catalog.raw(firstDay, lastDay) : catalog.minutes(firstDay, lastDay);
}

/** How the fields of a query are kept in its tables. */
export class QueryFields {
  /** Dimension columns that the query reads. */
  readonly columns: readonly string[];
  /** Attributes of ads, by the number of their join. */
  readonly attributes: readonly string[];
  private readonly forms = new Map<string, readonly FieldForm[]>();

  constructor(
    query: Pick<AggregateQuery, "filter" | "groupBy">,
    tables: readonly TableShape[],
    context: QueryContext,
  ) {
    const fields = new Set([...filterFields(query.filter), ...query.groupBy]);
    const attributes = [...fields].filter((field) => field.startsWith("ad."));
    this.attributes = attributes.map((field) => field.slice("ad.".length));
    const columns = new Set<string>();
    for (const field of fields) {
      const attribute = attributes.indexOf(field);
      const forms =
        attribute === -1
          ? formsOfColumn(field, tables, context, columns)
          : [{ kind: "text", sql: `a${attribute}."value"` } as const];
      this.forms.set(field, forms);
    }
    this.columns = [...columns];
  }

  formsOf(field: string): readonly FieldForm[] {
    return this.forms.get(field) ?? [];
  }
}

function formsOfColumn(
  field: string,
  tables: readonly TableShape[],
  { catalog, addressDimensions }: QueryContext,
  columns: Set<string>,
): FieldForm[] {
  if (field === "ad_id") {
    return [
      { kind: "key", sql: "c.ad", dictionary: adDictionary, table: dictionaryTable(adDictionary) },
    ];
  }
  const forms: FieldForm[] = [];
  const take = (column: string, form: (sql: string) => FieldForm): void => {
    if (!tables.some((table) => table.has(column))) return;
    columns.add(column);
    forms.push(form(`c.${quoted(column)}`));
  };
  take(`k_${field}`, (sql) => {
    const table = dictionaryTable(field);
    const isAddress = addressDimensions.has(field);
    const form = { kind: "key", sql, dictionary: field, isAddress } as const;
    return catalog.hasTable(table) ? { ...form, table: quoted(table) } : form;
  });
  take(`s_${field}`, (sql) => ({ kind: "text", sql }));
  take(`i_${field}`, (sql) => ({ kind: "ip", sql }));
  return forms;
}

function unionOf(
  { source, fromMinute, toMinute, visibility }: AggregateQuery,
  tables: readonly TableShape[],
  columns: readonly string[],
): string {
  const asked = { fromMinute, toMinute };
  const from = integer(fromMinute);
  const to = integer(toMinute);
  const minute =
    source === "raw"
      ? `(click_timestamp // ${minuteMs})::INTEGER AS minute, ad, 1 AS n`
      : "minute, ad, clicks AS n";
  const range =
    source === "raw"
      ? `click_timestamp >= ${from * minuteMs} AND click_timestamp < ${to * minuteMs} AND outcome IN (0, 2)`
      : `minute >= ${from} AND minute < ${to} AND ${minuteRowsToSql(visibility, asked)}`;
  const selects = tables.map((table) => {
    const own = columns.map((column) =>
      table.has(column) ? quoted(column) : missingColumn(column),
    );
    const name =
      source === "raw" ? rawTableToSql(table.name, visibility, asked) : quoted(table.name);
    return `SELECT ${[minute, ...own].join(", ")} FROM ${name} WHERE ${range}`;
  });
  return selects.join("\nUNION ALL ");
}

/** Rows of the tables, with their own columns and these, which some may be too old to have. */
export function unionToSql(
  tables: readonly TableShape[],
  own: readonly string[],
  columns: readonly string[],
  condition: string,
): string {
  const selects = tables.map((table) => {
    const rest = columns.map((name) => (table.has(name) ? quoted(name) : missingColumn(name)));
    return `SELECT ${[...own, ...rest].join(", ")} FROM ${quoted(table.name)} WHERE ${condition}`;
  });
  return selects.join("\nUNION ALL ");
}

/** Stands in for a column that the table is too old to have. */
export function missingColumn(column: string): string {
  const nothing = column.startsWith("k_")
    ? "0"
    : column.startsWith("i_")
      ? "NULL::UHUGEINT"
      : "NULL::VARCHAR";
  return `${nothing} AS ${quoted(column)}`;
}

export function conditionOf(
  { adId, filter }: Pick<AggregateQuery, "adId" | "filter">,
  fields: QueryFields,
  knownKey: KnownKey,
  bindings: Bindings,
): string {
  const context = { formsOf: (field: string) => fields.formsOf(field), knownKey };
  const conditions: string[] = [];
  if (adId !== undefined) {
    const isAd = { kind: "comparison", field: "ad_id", operator: "==", values: [adId] } as const;
    const table = dictionaryTable(adDictionary);
    const ad = [{ kind: "key", sql: "c.ad", dictionary: adDictionary, table }] as const;
    conditions.push(filterToSql(isAd, { formsOf: () => ad, knownKey }, bindings));
  }
  if (filter) conditions.push(filterToSql(filter, context, bindings));
  return conditions.length === 0 ? "TRUE" : conditions.join(" AND ");
}

/**
 * A version of an attribute holds from its minute until the next one's; of two from the same minute the later
 * change counts. The minutes of a piece have the versions of the changes that they see.
 */
export function attributeCte(i: number, name: string, pieces: readonly VisiblePiece[]): string {
  const selects = pieces.map(
    (piece) => `SELECT d."key" AS ad, v."value",
      greatest(v.valid_from_minute, ${integer(piece.fromMinute)}) AS from_minute,
      least(lead(v.valid_from_minute, 1, 2147483647)
        OVER (PARTITION BY v.ad_id ORDER BY v.valid_from_minute), ${integer(piece.toMinute)}) AS to_minute
    FROM (
      SELECT ad_id, "value", valid_from_minute FROM ad_attribute
      WHERE "name" = ${name} AND ${attributeRowsToSql(piece)}
      QUALIFY row_number() OVER (
        PARTITION BY ad_id, valid_from_minute ORDER BY commit_sequence DESC, ordinal DESC) = 1
    ) v JOIN ${dictionaryTable(adDictionary)} d ON d."value" = v.ad_id`,
  );
  return `attribute_${i} AS (${selects.join("\nUNION ALL ")})`;
}

export function attributeJoin(_name: string, i: number): string {
  return `LEFT JOIN attribute_${i} a${i}
    ON a${i}.ad = c.ad AND c.minute >= a${i}.from_minute AND c.minute < a${i}.to_minute`;
}

/** A field to group by: what is grouped, what is shown of it, and the joins between. */
interface Group {
  readonly field: number;
  readonly hasAddress: boolean;
  readonly grouped: readonly string[];
  readonly shown: readonly string[];
  readonly innerJoin: string;
  readonly outerJoin: string;
}

function groupOf(i: number, forms: readonly FieldForm[]): Group {
  const key = forms.find((form) => form.kind === "key");
  const text = forms.find((form) => form.kind === "text");
  const address = forms.find((form) => form.kind === "ip");
  const addressGrouped = address ? [`${address.sql} AS g${i}_address`] : [];
  const shown = [
    `${key && !text && key.table ? `d${i}."value"` : text ? `g.g${i}_text` : "NULL::VARCHAR"} AS text${i}`,
    `${address ? `g.g${i}_address` : "NULL::UHUGEINT"} AS address${i}`,
  ];
  const group = {
    field: i,
    hasAddress: address !== undefined,
    shown,
    innerJoin: "",
    outerJoin: "",
  };
  if (key && text) {
    // The dimension was moved: the same text must be one group, whichever way it was kept.
    const value = key.table ? `coalesce(d${i}."value", ${text.sql})` : text.sql;
    const innerJoin = key.table ? `LEFT JOIN ${key.table} d${i} ON d${i}."key" = ${key.sql}` : "";
    return { ...group, grouped: [`${value} AS g${i}_text`, ...addressGrouped], innerJoin };
  }
  if (key) {
    const outerJoin = key.table ? `LEFT JOIN ${key.table} d${i} ON d${i}."key" = g.g${i}_key` : "";
    return { ...group, grouped: [`${key.sql} AS g${i}_key`, ...addressGrouped], outerJoin };
  }
  return { ...group, grouped: [...(text ? [`${text.sql} AS g${i}_text`] : []), ...addressGrouped] };
}

/** The start of the bucket of a row `c`; none where the range is one bucket. */
export function bucketToSql(
  {
    fromMinute,
    toMinute,
    bucketStarts,
  }: Pick<AggregateQuery, "fromMinute" | "toMinute" | "bucketStarts">,
  bindings: Bindings,
): string[] {
  if (!bucketStarts || bucketStarts.length < 2) return [];
  const ends = [...bucketStarts.slice(1), toMinute];
  const lengths = bucketStarts.map((start, i) => ends[i]! - start);
  const from = integer(fromMinute);
  const step = lengths[0]!;
  // The last bucket may be cut short.
  if (
    lengths.every((length, i) => length === step || (i === lengths.length - 1 && length < step))
  ) {
    return [`(${from} + (c.minute - ${from}) // ${integer(step)} * ${integer(step)})`];
  }
  const slot = lengths.reduce(greatestCommonDivisor);
  const starts = bucketStarts.flatMap((start, i) =>
    Array.from({ length: lengths[i]! / slot }, () => start),
  );
  return [`list_extract(${bindings.add(starts)}::INTEGER[], (c.minute - ${from}) // ${slot} + 1)`];
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function orderToSql(order: AggregateQuery["order"], groups: readonly Group[]): string {
  const keys = groups.flatMap(({ field }) => [
    `text${field} NULLS FIRST`,
    `address${field} NULLS FIRST`,
  ]);
  return (order === "count" ? ["n DESC", ...keys, "bucket"] : ["bucket", ...keys]).join(", ");
}

function afterToSql(
  { after, groupBy }: AggregateQuery,
  groups: readonly Group[],
  bindings: Bindings,
): string {
  if (!after) return "TRUE";
  const bucket = integer(after.bucketStart);
  const columns: [string, string | undefined][] = groups.flatMap(({ field, hasAddress }) => {
    const value = after.group[field] ?? null;
    const isAddress = hasAddress && value !== null && !isProtectedForm(value);
    const text = value === null || isAddress ? undefined : bindings.add(value);
    const address = isAddress ? bindings.add(addressOf(groupBy[field]!, value)) : undefined;
    return [
      [`text${field}`, text],
      [`address${field}`, address],
    ] satisfies [string, string | undefined][];
  });
  const behind = columns.reduceRight(
    (rest, [column, value]) =>
      value === undefined
        ? `(${column} IS NOT NULL OR (${column} IS NULL AND ${rest}))`
        : `(${column} > ${value} OR (${column} = ${value} AND ${rest}))`,
    "FALSE",
  );
  return `(bucket > ${bucket} OR (bucket = ${bucket} AND ${behind}))`;
}

/** Numbers of our own making are written out: they are no text that could be anything else. */
export function integer(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no whole number`);
  return value;
}
