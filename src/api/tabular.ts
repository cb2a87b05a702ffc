/** Answers that are tables: JSON, or CSV where the caller prefers it. */

import type { FastifyReply, FastifyRequest } from "fastify";
import type {
  BreakdownAnswer,
  CountAnswer,
  ExplainAnswer,
  Finality,
  LedgerAnswer,
  QuarantineAnswer,
  RecordedClick,
  RestatementsAnswer,
  TopAnswer,
} from "../query/query-service.ts";
import type { ClosesAnswer, StatementAnswer } from "../query/billing.ts";
import { statementColumns } from "../query/billing.ts";
import { outcomeNames } from "../model/outcome.ts";
import { journalColumns } from "../query/query-service.ts";
import type { Cell, Table } from "./csv.ts";
import { formatCsv, tableOf } from "./csv.ts";
import { prefersCsv } from "./negotiate.ts";

export interface CsvForm {
  readonly table: Table;
  /** Sent as `X-Clicktally-Final-Through` for `final_through`: what JSON says beside the rows. */
  readonly beside: Readonly<Record<string, string | number | boolean | null>>;
}

export function sendTabular<Answer>(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
  toCsv: (answer: Answer) => CsvForm,
): FastifyReply {
  // A number that a cache has kept would be told as the newest.
  reply.header("cache-control", "no-store").header("vary", "accept");
  if (!prefersCsv(request.headers.accept)) return reply.send(answer);
  const { table, beside } = toCsv(answer);
  for (const [name, value] of Object.entries(beside)) {
    const header = `x-clicktally-${name.replaceAll("_", "-")}`;
    if (value !== null) reply.header(header, encodeURI(String(value)));
  }
  return reply.type("text/csv; charset=utf-8; header=present").send(formatCsv(table));
}

function finalityOf({ status, final_through, watermark, as_of }: Finality) {
  return { status, final_through, watermark, as_of };
}

/** The series, or the one number where there is none. */
export function countCsv(answer: CountAnswer): CsvForm {
  const { ad_id, from, to, count, revision, status, series } = answer;
  const beside = { ...finalityOf(answer), from, to, count, revision };
  if (series === undefined) {
    const columns = ["ad_id", "from", "to", "count", "status", "revision"];
    return { beside, table: tableOf(columns, [{ ad_id, from, to, count, status, revision }]) };
  }
  const rows = series.map((point) => [
    ad_id,
    point.start,
    point.count,
    point.status,
    point.revision,
  ]);
  return { beside, table: { columns: ["ad_id", "start", "count", "status", "revision"], rows } };
}

export function topCsv(answer: TopAnswer): CsvForm {
  const { from, to, ads } = answer;
  return {
    beside: { ...finalityOf(answer), from, to },
    table: tableOf(["rank", "ad_id", "count"], ads),
  };
}

/** `hasStart`: a granularity was asked for, so every row has the start of its bucket. */
export function breakdownCsv(answer: BreakdownAnswer, hasStart: boolean): CsvForm {
  const { from, to, by, rows, next_cursor } = answer;
  return {
    beside: { ...finalityOf(answer), from, to, next_cursor },
    table: tableOf([...(hasStart ? ["start"] : []), ...by, "count"], rows),
  };
}

const recordedColumns = [
  "click_timestamp",
  "received_at",
  "outcome",
  "source",
  "partition",
  "offset",
  "row",
] as const;

/** Columns are named by their path in JSON, so that a dimension may have any name. */
export function explainCsv(answer: ExplainAnswer): CsvForm {
  const { from, to, count, revision, outcomes, dimensions, clicks, next_cursor } = answer;
  const columns = [
    "event_id",
    ...recordedColumns,
    ...dimensions.map((name) => `dimensions.${name}`),
    ...recordedColumns.map((name) => `original.${name}`),
  ];
  const recordedCells = (click: RecordedClick | null): Cell[] =>
    recordedColumns.map((name) => click?.[name]);
  const rows = clicks.map((click) =>
    [
      click.event_id,
      recordedCells(click),
      dimensions.map((name) => click.dimensions[name]),
      recordedCells(click.original),
    ].flat(),
  );
  return {
    beside: { ...finalityOf(answer), from, to, count, revision, ...outcomes, next_cursor },
    table: { columns, rows },
  };
}

export function quarantineCsv({ rows, ...beside }: QuarantineAnswer): CsvForm {
  return { beside, table: tableOf(["ad_id", "event_id", ...recordedColumns], rows) };
}

export function ledgerCsv({ rows, balanced }: LedgerAnswer): CsvForm {
  return {
    beside: { balanced },
    table: tableOf(["minute", "source", "received", ...outcomeNames], rows),
  };
}

export function closesCsv({ closes, ...beside }: ClosesAnswer): CsvForm {
  return { beside, table: tableOf(["through", "tz", "received_at", "as_of", "id"], closes) };
}

export function statementCsv(answer: StatementAnswer): CsvForm {
  const { from, to, tz, rows, next_cursor } = answer;
  return {
    beside: { ...finalityOf(answer), from, to, tz, next_cursor },
    table: tableOf(statementColumns, rows),
  };
}

export function restatementsCsv({ rows, ...beside }: RestatementsAnswer): CsvForm {
  return { beside, table: tableOf(journalColumns, rows) };
}
