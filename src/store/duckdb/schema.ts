/**
 * The tables of the store. None has an index or a primary key: rows are appended, and what is superseded goes by deleting old
 * rows in bulk or by dropping a day. Only the outcome of a raw row is ever changed in place, by a correction.
 *
 * - `raw_YYYYMMDD_P`   every accepted click by the UTC day of its event time, with its outcome
 * - `raw_scattered_P`  clicks of commits that span many days, until there are enough to move them to their days
 * - `raw_expired`      clicks that were older than the dedup horizon, of any day
 * - `log_record`       one row a clicks record of the log; a raw row belongs to the record with
 *                      `first_position <= position < first_position + row_count`, at row `position - first_position`
 * - `minute_delta_P`   minute counts as the commits brought them, of minutes that were not compacted since
 * - `minutes_YYYYMMDD` minute counts by day, one row a key where the bucket was final when they were compacted
 * - `outcome_change`   what corrections made of clicks: the raw row has the outcome of now, this what it was before
 * - `dictionary_NAME`  surrogate keys of ads (`ad_id`) and of each minute dimension's values
 *
 * P is 0 or 1: between two checkpoints commits append to one part only and a checkpoint finds the other one
 * unchanged, so that commits never wait for a table that a checkpoint is writing.
 *
 * Columns of dimensions: `k_NAME` key in the dictionary (0 = missing), `s_NAME` text, `i_NAME` address as 128 bits.
 */

import { outcomeNames } from "../../model/outcome.ts";
import { adDictionary } from "../../model/commit.ts";
import { formatDay } from "../../model/time.ts";

/** Of the tables below; a store with a higher one was written by a newer release. */
export const formatVersion = 3;

export type ColumnType = "UTINYINT" | "INTEGER" | "BIGINT" | "DOUBLE" | "UHUGEINT" | "VARCHAR";

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

export type Part = 0 | 1;
export const parts: readonly Part[] = [0, 1];

export const expiredTable = "raw_expired";

export function rawTable(day: number, part: Part): string {
  return `raw_${formatDay(day)}_${part}`;
}

export function scatteredTable(part: Part): string {
  return `raw_scattered_${part}`;
}

export function minutesTable(day: number): string {
  return `minutes_${formatDay(day)}`;
}

export function deltaTable(part: Part): string {
  return `minute_delta_${part}`;
}

export function dictionaryTable(dictionary: string): string {
  return `dictionary_${dictionary}`;
}

export function keyColumn(dimension: string): Column {
  return { name: `k_${dimension}`, type: "INTEGER" };
}

/** The dimension of a key column. */
export function dimensionOfKey(column: string): string {
  return column.slice("k_".length);
}

export function textColumn(dimension: string): Column {
  return { name: `s_${dimension}`, type: "VARCHAR" };
}

export function ipColumn(dimension: string): Column {
  return { name: `i_${dimension}`, type: "UHUGEINT" };
}

export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** For settings and file names, which can't be bound. */
export function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export const rawColumns: readonly Column[] = [
  { name: "click_timestamp", type: "BIGINT" },
  { name: "ad", type: "INTEGER" },
  { name: "event_id_kind", type: "UTINYINT" },
  // 0 where the kind is text.
  { name: "event_id", type: "UHUGEINT" },
  { name: "event_id_text", type: "VARCHAR" },
  { name: "outcome", type: "UTINYINT" },
  { name: "position", type: "BIGINT" },
];

export const minuteColumns: readonly Column[] = [
  { name: "minute", type: "INTEGER" },
  { name: "ad", type: "INTEGER" },
  { name: "clicks", type: "INTEGER" },
  { name: "restated", type: "UTINYINT" },
  { name: "commit_sequence", type: "BIGINT" },
];

export const dictionaryColumns: readonly Column[] = [
  { name: "key", type: "INTEGER" },
  { name: "value", type: "VARCHAR" },
];

/** Tables that every store has from the beginning, beside minute_delta, raw_scattered and raw_expired. */
export const fixedTables: Readonly<Record<string, readonly Column[]>> = {
  // The format's version, where histories begin (histories.ts), and keys of erased values (forget-values.ts).
  meta: [
    { name: "name", type: "VARCHAR" },
    { name: "value", type: "VARCHAR" },
  ],
  // The progress of each partition as of each recent commit, and of those before at which its finality rose (thin-commit-log.ts).
  commit_log: [
    { name: "sequence", type: "BIGINT" },
    { name: "committed_at", type: "BIGINT" },
    { name: "partition", type: "INTEGER" },
    { name: "next_offset", type: "BIGINT" },
    { name: "watermark", type: "DOUBLE" },
  ],
  log_record: [
    { name: "commit_sequence", type: "BIGINT" },
    { name: "partition", type: "INTEGER" },
    { name: "log_offset", type: "BIGINT" },
    { name: "source", type: "INTEGER" },
    { name: "received_at", type: "BIGINT" },
    { name: "first_position", type: "BIGINT" },
    { name: "row_count", type: "INTEGER" },
    // Days of its earliest and latest event time.
    { name: "first_day", type: "INTEGER" },
    { name: "last_day", type: "INTEGER" },
  ],
  source: dictionaryColumns,
  // Rows with the same minute and source add up.
  ledger: [
    { name: "received_minute", type: "INTEGER" },
    { name: "source", type: "INTEGER" },
    ...outcomeNames.map((name): Column => ({ name, type: "BIGINT" })),
    { name: "compacted", type: "UTINYINT" },
    // Written on its own, so that it can differ from the sum of the outcomes.
    { name: "received", type: "BIGINT" },
  ],
  restatement: [
    { name: "minute", type: "INTEGER" },
    { name: "ad", type: "INTEGER" },
    { name: "count_before", type: "BIGINT" },
    { name: "count_after", type: "BIGINT" },
    { name: "revision", type: "INTEGER" },
    { name: "reason", type: "VARCHAR" },
    { name: "partition", type: "INTEGER" },
    { name: "log_offset", type: "BIGINT" },
    { name: "received_at", type: "BIGINT" },
    { name: "commit_sequence", type: "BIGINT" },
  ],
  outcome_change: [
    // Of the raw row.
    { name: "position", type: "BIGINT" },
    { name: "minute", type: "INTEGER" },
    { name: "ad", type: "INTEGER" },
    { name: "outcome_before", type: "UTINYINT" },
    { name: "outcome_after", type: "UTINYINT" },
    { name: "commit_sequence", type: "BIGINT" },
  ],
  // A period is closed once every partition has a row of it.
  closed_period: [
    { name: "id", type: "VARCHAR" },
    { name: "through_minute", type: "INTEGER" },
    { name: "zone", type: "VARCHAR" },
    { name: "partition", type: "INTEGER" },
    { name: "received_at", type: "BIGINT" },
    { name: "commit_sequence", type: "BIGINT" },
  ],
  // From its commit on the minute rows of a partition have these dimensions (names as JSON) in these minutes.
  layout_change: [
    { name: "id", type: "VARCHAR" },
    { name: "partition", type: "INTEGER" },
    { name: "from_minute", type: "INTEGER" },
    { name: "to_minute", type: "INTEGER" },
    { name: "dimensions", type: "VARCHAR" },
    { name: "commit_sequence", type: "BIGINT" },
  ],
  operation: [
    { name: "id", type: "VARCHAR" },
    { name: "type", type: "VARCHAR" },
    { name: "reason", type: "VARCHAR" },
    { name: "partition", type: "INTEGER" },
    { name: "log_offset", type: "BIGINT" },
    { name: "received_at", type: "BIGINT" },
    // As JSON.
    { name: "result", type: "VARCHAR" },
    { name: "commit_sequence", type: "BIGINT" },
  ],
  // What a partition has dropped of a day of event time: `raw` or `minute`. The rows go later (purge.ts).
  dropped_day: [
    { name: "partition", type: "INTEGER" },
    { name: "day", type: "INTEGER" },
    { name: "what", type: "VARCHAR" },
    { name: "received_day", type: "INTEGER" },
    { name: "commit_sequence", type: "BIGINT" },
  ],
  // value is null where the attribute was removed.
  ad_attribute: [
    { name: "ad_id", type: "VARCHAR" },
    { name: "name", type: "VARCHAR" },
    { name: "value", type: "VARCHAR" },
    { name: "valid_from_minute", type: "INTEGER" },
    { name: "commit_sequence", type: "BIGINT" },
    { name: "ordinal", type: "INTEGER" },
  ],
  config: [
    { name: "generation", type: "INTEGER" },
    { name: "commit_sequence", type: "BIGINT" },
    { name: "settings", type: "VARCHAR" },
  ],
  // One row at most. An insert that stays open makes a checkpoint let other inserts pass.
  checkpoint_mark: [{ name: "nothing", type: "INTEGER" }],
  [dictionaryTable(adDictionary)]: dictionaryColumns,
};

export function createTable(name: string, columns: readonly Column[]): string {
  return `CREATE TABLE ${quoted(name)} (${columns.map(definition).join(", ")})`;
}

export function addColumn(table: string, column: Column): string {
  return `ALTER TABLE ${quoted(table)} ADD COLUMN ${definition(column)}`;
}

/** Keys are 0 where missing, also in rows from before the column; text and addresses are null. */
function definition({ name, type }: Column): string {
  const missing = name.startsWith("k_") ? " DEFAULT 0" : "";
  return `${quoted(name)} ${type}${missing}${compression(name, type)}`;
}

/** Says what would win anyway, which saves checkpoints the trial of all methods. */
function compression(name: string, type: ColumnType): string {
  if (name === "event_id") return "";
  return type === "VARCHAR" || type === "DOUBLE" ? "" : " USING COMPRESSION bitpacking";
}
