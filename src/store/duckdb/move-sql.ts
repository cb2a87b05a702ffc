/** The SQL of what moves into another store (store-moves.ts), without I/O. */

import { adDictionary } from "../../model/commit.ts";
import { outcomeNames } from "../../model/outcome.ts";
import { dayMs, minutesADay } from "../../model/time.ts";
import type { DaySpan, MovedDayTable, MovedDimensions, MovedTable } from "../store-moves.ts";
import type { RecordedDroppedDay } from "../click-store.ts";
import type { Catalog, TableShape } from "./catalog.ts";
import { placedToSql } from "./clicks-sql.ts";
import { dimensionOf, fieldsOf } from "./export-sql.ts";
import type { StoreContext } from "./queries.ts";
import { integer, unionToSql } from "./queries.ts";
import { deltaTable, dictionaryTable, expiredTable, quoted, scatteredTable } from "./schema.ts";

/** What a statement is made for. `dropped`: what nobody is told of any more stays behind. */
export interface MoveContext extends StoreContext {
  readonly dropped: readonly Pick<RecordedDroppedDay, "day" | "what">[];
}

/** A statement, and of each column whether it has whole numbers (`n`), floating ones (`d`) or texts (`t`). */
export interface TypedStatement {
  readonly sql: string;
  readonly types: string;
}

export function movedDimensionsOf({ catalog, addressDimensions }: StoreContext): MovedDimensions {
  const named = (table: string, letters: string): string[] =>
    catalog
      .table(table)
      .columns.map(({ name }) => name)
      .filter((name) => letters.includes(name[0]!) && name[1] === "_")
      .map((name) => name.slice(2));
  const clicks = [scatteredTable(0), expiredTable];
  const click = [...new Set(clicks.flatMap((table) => named(table, "ksi")))].toSorted();
  const addresses = new Set(clicks.flatMap((table) => named(table, "i")));
  return {
    click,
    minute: named(deltaTable(0), "k").toSorted(),
    addresses: click.filter((name) => addresses.has(name) || addressDimensions.has(name)),
  };
}

/** Rows are: day, number of rows; of every day that has any. */
export function daysToSql(context: MoveContext): string {
  const { catalog } = context;
  const minuteDay = `minute // ${minutesADay}`;
  const clickDay = `click_timestamp // ${dayMs}`;
  const counted = (name: string, day: string, kept: string): string =>
    `SELECT (${day})::INTEGER AS "day", count(*) AS n FROM ${quoted(name)} WHERE ${kept} GROUP BY 1`;
  const all = [-Infinity, Infinity] as const;
  const raw = [...catalog.raw(...all), catalog.table(expiredTable)].map(({ name }) => name);
  const minutes = [...catalog.minutes(...all).map(({ name }) => name), "restatement"];
  const selects = [
    ...raw.map((name) => counted(name, clickDay, keptToSql(context, "raw", clickDay))),
    counted("outcome_change", minuteDay, keptToSql(context, "raw", minuteDay)),
    ...minutes.map((name) => counted(name, minuteDay, keptToSql(context, "minute", minuteDay))),
  ];
  return `SELECT "day", sum(n)::BIGINT FROM (${selects.join(" UNION ALL ")}) GROUP BY "day" ORDER BY "day"`;
}

/**
 * Columns: sequence, offset, row, receipt, source, time, ad, kind of the event id, the id, its text, outcome, then the
 * dimensions.
 */
export function clicksToSql(
  span: DaySpan,
  dimensions: readonly string[],
  context: MoveContext,
): string {
  const { clicks, shown, joins } = clicksOf(span, dimensions, context);
  const first = `
    SELECT "position", arg_min(outcome_before, commit_sequence) AS outcome
    FROM outcome_change WHERE ${minutesToSql(span)} GROUP BY "position"`;
  const columns = [
    `c.commit_sequence, c.log_offset, c."row", c.received_at, s."value", c.click_timestamp, ad."value"`,
    "c.event_id_kind, c.event_id, coalesce(c.event_id_text, '')",
    "coalesce(o.outcome, c.outcome)::UTINYINT",
    ...shown,
  ];
  return `SELECT ${columns.join(", ")}
    FROM ${clicks} c JOIN source s ON s."key" = c.source
    JOIN ${dictionaryTable(adDictionary)} ad ON ad."key" = c.ad
    LEFT JOIN (${first}) o ON o."position" = c."position" ${joins}`;
}

/** Rows are: outcome, how many, then sums; see ClickTally. */
export function tallyToSql(
  span: DaySpan,
  dimensions: readonly string[],
  context: MoveContext,
): string {
  const { clicks, shown, joins } = clicksOf(span, dimensions, context);
  const summed = [
    "c.commit_sequence",
    "c.log_offset",
    `c."row"`,
    "c.received_at",
    "c.click_timestamp",
    "c.event_id & 4294967295",
    "c.event_id_kind",
    "strlen(coalesce(c.event_id_text, ''))",
    `strlen(s."value")`,
    `strlen(ad."value")`,
    ...shown.flatMap((value) => [`strlen(${value})`, `(${value} IS NULL)::INTEGER`]),
  ];
  const sums = summed.map((value) => `coalesce(sum((${value})::HUGEINT), 0)::VARCHAR`);
  return `SELECT ${["c.outcome::BIGINT", "count(*)::VARCHAR", ...sums].join(", ")}
    FROM ${clicks} c JOIN source s ON s."key" = c.source
    JOIN ${dictionaryTable(adDictionary)} ad ON ad."key" = c.ad ${joins}
    GROUP BY c.outcome`;
}

function clicksOf(
  span: DaySpan,
  names: readonly string[],
  context: MoveContext,
): { readonly clicks: string; readonly shown: readonly string[]; readonly joins: string } {
  const { catalog } = context;
  const tables = [...catalog.raw(span.firstDay, span.lastDay), catalog.table(expiredTable)];
  const own = ["click_timestamp", "ad", "event_id_kind", "event_id", "event_id_text", "outcome"];
  const range = { fromMs: span.firstDay * dayMs, toMs: (span.lastDay + 1) * dayMs };
  const within = [
    `click_timestamp >= ${integer(range.fromMs)} AND click_timestamp < ${integer(range.toMs)}`,
    keptToSql(context, "raw", `click_timestamp // ${dayMs}`),
  ].join(" AND ");
  const { columns, shown, joins } = shownOf(names, tables, context);
  const clicks = unionToSql(tables, [...own, `"position"`], columns, within);
  return { clicks: `(${placedToSql(`(${clicks})`, range)})`, shown, joins };
}

function shownOf(
  names: readonly string[],
  tables: readonly TableShape[],
  context: MoveContext,
): {
  readonly columns: readonly string[];
  readonly shown: readonly string[];
  readonly joins: string;
} {
  const fields = fieldsOf(names, tables, context);
  const dimensions = names.map((name, i) => dimensionOf(i, fields.formsOf(name)));
  return {
    columns: fields.columns,
    shown: dimensions.map(({ sql }) => sql),
    joins: dimensions.map(({ join }) => join).join(" "),
  };
}

/** Columns: sequence, minute, ad, clicks, restated, then the dimensions. */
export function minutesRowsToSql(
  span: DaySpan,
  dimensions: readonly string[],
  context: MoveContext,
): string {
  const tables = context.catalog.minutes(span.firstDay, span.lastDay);
  const own = ["commit_sequence", "minute", "ad", "clicks", "restated"];
  const { columns, shown, joins } = shownOf(dimensions, tables, context);
  const rows = unionToSql(tables, own, columns, keptMinutes(span, context));
  return `SELECT ${["c.commit_sequence", "c.minute", adText, "c.clicks", "c.restated", ...shown].join(", ")}
    FROM (${rows}) c ${adJoin} ${joins}`;
}

/** A row of an ad that nobody knows is a mistake, which is not hidden by the move. */
const adText = `coalesce(ad."value", '')`;
const adJoin = `LEFT JOIN ${dictionaryTable(adDictionary)} ad ON ad."key" = c.ad`;

export function dayRowsToSql(
  table: MovedDayTable,
  span: DaySpan,
  context: MoveContext,
): TypedStatement {
  if (table === "restatement")
    return {
      types: "nntnnntnn",
      sql: `SELECT c.commit_sequence, c.minute::BIGINT, ${adText}, count_before, count_after, revision::BIGINT,
          reason, log_offset, received_at
        FROM restatement c ${adJoin} WHERE ${keptMinutes(span, context)}`,
    };
  return {
    types: "nnnntnn",
    sql: `SELECT c.commit_sequence, l.log_offset, c."position" - l.first_position, c.minute::BIGINT, ${adText},
        c.outcome_before::BIGINT, c.outcome_after::BIGINT
      FROM outcome_change c ASOF JOIN (SELECT * FROM log_record WHERE row_count > 0) l
        ON c."position" >= l.first_position
      ${adJoin} WHERE ${minutesToSql(span)} AND ${keptToSql(context, "raw", `minute // ${minutesADay}`)}`,
  };
}

export function tableToSql(table: MovedTable, catalog: Catalog): readonly TypedStatement[] {
  if (table !== "dictionary") return [statements[table]];
  return catalog.dictionaries.map((name) => ({
    types: "nttn",
    sql: `SELECT 0::BIGINT, '${name}', "value", ("key" - 1)::BIGINT FROM ${quoted(dictionaryTable(name))} ORDER BY "key"`,
  }));
}

const ledgerSums = ["received", ...outcomeNames].map((name) => `sum(l.${name})::BIGINT`);

const statements: Readonly<Record<Exclude<MovedTable, "dictionary">, TypedStatement>> = {
  ledger: {
    types: `nnt${"n".repeat(ledgerSums.length)}`,
    sql: `SELECT 0::BIGINT, l.received_minute::BIGINT, s."value", ${ledgerSums.join(", ")}
      FROM ledger l JOIN source s ON s."key" = l.source GROUP BY l.received_minute, s."value"
      ORDER BY l.received_minute, s."value"`,
  },
  operation: {
    types: "nntttnnt",
    sql: `SELECT commit_sequence, "partition"::BIGINT, id, type, reason, log_offset, received_at, result
      FROM operation ORDER BY commit_sequence`,
  },
  ad_attribute: {
    types: "ntttnn",
    sql: `SELECT commit_sequence, ad_id, "name", "value", valid_from_minute::BIGINT, ordinal::BIGINT
      FROM ad_attribute`,
  },
  config: {
    types: "nnt",
    sql: "SELECT commit_sequence, generation::BIGINT, settings FROM config ORDER BY generation",
  },
  history: {
    types: "ntn",
    sql: `SELECT string_split("value", ' ')[1]::BIGINT, string_split("value", ' ')[2],
        (len(string_split("value", ' ')) > 2)::BIGINT
      FROM meta WHERE "name" = 'history' ORDER BY 1`,
  },
  commit_log: {
    types: "nnnd",
    sql: `SELECT "sequence", "partition"::BIGINT, committed_at, watermark FROM commit_log ORDER BY "sequence"`,
  },
};

function minutesToSql({ firstDay, lastDay }: DaySpan): string {
  return `minute >= ${integer(firstDay * minutesADay)} AND minute < ${integer((lastDay + 1) * minutesADay)}`;
}

function keptMinutes(span: DaySpan, context: MoveContext): string {
  return `${minutesToSql(span)} AND ${keptToSql(context, "minute", `minute // ${minutesADay}`)}`;
}

/** True for days that no partition has dropped. */
function keptToSql({ dropped }: MoveContext, wanted: "raw" | "minute", day: string): string {
  const days = dropped.filter(({ what }) => what === wanted).map((own) => integer(own.day));
  return days.length === 0 ? "TRUE" : `${day} NOT IN (${[...new Set(days)].join(", ")})`;
}
