/**
 * The tables. Rows are only added, and each says under which `sequence` it was written: whether that counts is decided in the
 * order of commits (order/commit-order.ts), after all rows are there.
 * What commits bring is never changed but by an erasure; what corrections make of clicks stands in `outcome_change`.
 *
 * - `click`        every accepted click, by the day of its event time, with the outcome that was decided when it came
 * - `minute_count` what the commits added to minute counts
 * - `dictionary`   the texts that have keys, in the order of their keys, see dictionaries.ts; rows of clicks and counts hold the texts
 * - `order_state`  the order of commits at some of its records, from which it is read on
 *
 * On a cluster each shard has all of them, with the rows of its partitions; `order_state` is filled on the first.
 *
 * Columns of dimensions: `d_NAME`, null where missing; addresses in the form of formatIp.
 */

import { outcomeNames } from "../../model/outcome.ts";

/** Of the tables below; a database with a higher one was written by a newer release. */
export const formatVersion = 3;

/** As a column is sent; it may be kept in another form. */
export type ColumnType =
  | "UInt8"
  | "UInt16"
  | "UInt32"
  | "Int32"
  | "UInt64"
  | "Int64"
  | "Float64"
  | "FixedString(16)"
  | "String"
  | "Nullable(String)";

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** How it is kept; default: as it is sent. */
  readonly keptAs?: string;
}

export interface Table {
  readonly columns: readonly Column[];
  readonly orderBy: string;
  /** A day is dropped as one. */
  readonly partitionBy?: string;
  readonly indexes?: readonly string[];
}

const column = (name: string, type: ColumnType, keptAs?: string): Column =>
  keptAs === undefined ? { name, type } : { name, type, keptAs };

const fewTexts = "LowCardinality(String)";

/** Of every row that a commit brings. */
export const commitColumns: readonly Column[] = [
  column("sequence", "UInt64"),
  column("partition", "UInt16"),
];

const day = "intDiv(minute, 1440)";

/** What of these columns a table has beside those of its commit. */
export const factTables = {
  dictionary: [
    column("dictionary", "String", fewTexts),
    column("value", "String"),
    // Among the texts that a commit brings.
    column("ordinal", "UInt32"),
  ],
  ledger: [
    column("received_minute", "Int32"),
    column("source", "String", fewTexts),
    column("received", "Int64"),
    ...outcomeNames.map((name) => column(name, "Int64")),
  ],
  restatement: [
    column("minute", "Int32"),
    column("ad_id", "String"),
    column("count_before", "Int64"),
    column("count_after", "Int64"),
    column("revision", "UInt32"),
    column("reason", "String", fewTexts),
    column("log_offset", "UInt64"),
    column("received_at", "Int64"),
  ],
  outcome_change: [
    column("log_offset", "UInt64"),
    column("row", "UInt32"),
    column("minute", "Int32"),
    column("ad_id", "String"),
    column("outcome_before", "UInt8"),
    column("outcome_after", "UInt8"),
  ],
  closed_period: [
    column("id", "String"),
    column("through_minute", "Int32"),
    column("zone", "String"),
    column("received_at", "Int64"),
  ],
  layout_change: [
    column("id", "String"),
    column("from_minute", "Int32"),
    column("to_minute", "Int32"),
    // Names, as JSON.
    column("dimensions", "String"),
  ],
  operation: [
    column("id", "String"),
    column("type", "String", fewTexts),
    column("reason", "String"),
    column("log_offset", "UInt64"),
    column("received_at", "Int64"),
    // As JSON.
    column("result", "String"),
  ],
  dropped_day: [
    column("day", "Int32"),
    column("what", "String", fewTexts),
    column("received_day", "Int32"),
  ],
  ad_attribute: [
    column("ad_id", "String"),
    column("name", "String", fewTexts),
    // Null where it was removed.
    column("value", "Nullable(String)"),
    column("valid_from_minute", "Int32"),
    column("ordinal", "UInt32"),
  ],
  config: [column("generation", "UInt32"), column("settings", "String")],
  // Where the numbering of commits begins anew for those who follow it, see HistoryStart.
  history: [column("id", "String"), column("starts_over", "UInt8")],
  // Values whose keys may spell them no more once nobody uses them.
  erased_value: [column("field", "String", fewTexts), column("value", "String")],
  commit_log: [
    column("committed_at", "Int64"),
    column("next_offset", "UInt64"),
    column("watermark", "Float64"),
  ],
} as const satisfies Record<string, readonly Column[]>;

export type FactTable = keyof typeof factTables;

export const clickColumns: readonly Column[] = [
  ...commitColumns,
  column("log_offset", "UInt64"),
  column("row", "UInt32"),
  column("received_at", "Int64", "Int64 CODEC(DoubleDelta, ZSTD)"),
  column("source", "String", fewTexts),
  column("minute", "Int32"),
  column("click_timestamp", "Int64", "Int64 CODEC(Delta, ZSTD)"),
  column("ad_id", "String"),
  column("event_id_kind", "UInt8"),
  // Zeros where the kind is text.
  column("event_id", "FixedString(16)"),
  column("event_id_text", "String"),
  column("outcome", "UInt8"),
];

export const minuteColumns: readonly Column[] = [
  ...commitColumns,
  column("minute", "Int32"),
  column("ad_id", "String"),
  column("clicks", "Int64"),
  column("restated", "UInt8"),
];

/** Who follows asks for the newest commits alone. */
const bySequence = "by_sequence sequence TYPE minmax GRANULARITY 1";
const byDay: ReadonlySet<string> = new Set(["restatement", "outcome_change"]);

export const tables: Readonly<Record<string, Table>> = {
  click: {
    columns: clickColumns,
    orderBy: "minute, ad_id, partition, log_offset, row",
    partitionBy: day,
    // Records of the log lie near one another.
    indexes: ["by_offset log_offset TYPE minmax GRANULARITY 1"],
  },
  minute_count: {
    columns: minuteColumns,
    orderBy: "minute, ad_id",
    partitionBy: day,
    indexes: [bySequence],
  },
  ...Object.fromEntries(
    Object.entries(factTables).map(([name, own]) => [
      name,
      {
        columns: [...commitColumns, ...own],
        orderBy: byDay.has(name) ? "minute, ad_id, sequence" : "sequence",
        ...(byDay.has(name) && { partitionBy: day, indexes: [bySequence] }),
      },
    ]),
  ),
};

/** Tables with columns of dimensions, and how these are kept. */
export const dimensionTables = {
  click: "Nullable(String)",
  minute_count: "LowCardinality(Nullable(String))",
} as const;
export type DimensionTable = keyof typeof dimensionTables;

export function dimensionColumn(dimension: string): Column {
  return { name: `d_${dimension}`, type: "Nullable(String)" };
}

export function createTable(
  name: string,
  { columns, orderBy, partitionBy, indexes }: Table,
): string {
  const parts = [
    ...columns.map((own) => `\`${own.name}\` ${own.keptAs ?? own.type}`),
    ...(indexes ?? []).map((index) => `INDEX ${index}`),
  ];
  return `CREATE TABLE IF NOT EXISTS ${name} (${parts.join(", ")}) ENGINE = MergeTree
    ${partitionBy === undefined ? "" : `PARTITION BY ${partitionBy}`} ORDER BY (${orderBy})
    SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0`;
}
