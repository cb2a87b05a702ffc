/** Copies a store into another, in steps that are each through or brought anew. */

import type {
  DaySpan,
  MovedDayTable,
  MovedFacts,
  MoveSource,
  MoveTarget,
  WholeTable,
} from "../store/store-moves.ts";

export interface CopyOptions {
  readonly source: MoveSource;
  readonly target: MoveTarget;
  readonly facts: MovedFacts;
  readonly spans: readonly DaySpan[];
  /** Told of rows that are through, again and again. */
  readonly onRows: (count: number) => void;
}

const dayTables: readonly MovedDayTable[] = ["restatement", "outcome_change"];

export const wholeTables: readonly WholeTable[] = [
  "dictionary",
  "ledger",
  "operation",
  "ad_attribute",
  "config",
  "history",
];

export async function copyStore(options: CopyOptions): Promise<void> {
  const { spans, target, onRows } = options;
  for (const span of spans) {
    const isDone = await once(target, `days ${span.firstDay} to ${span.lastDay}`, () =>
      copyDays(options, span),
    );
    if (!isDone) onRows(span.rowCount);
  }
  await once(target, "books", () => copyBooks(options));
}

/** False where an earlier run has done it. */
async function once(target: MoveTarget, step: string, work: () => Promise<void>): Promise<boolean> {
  if (target.stepsDone.has(step)) return false;
  await work();
  await target.noteStep(step);
  return true;
}

async function copyDays({ source, target, onRows }: CopyOptions, span: DaySpan): Promise<void> {
  await target.clearDays(span);
  await target.addClicks(told(source.clicks(span), ({ rowCount }) => rowCount, onRows));
  await target.addMinutes(told(source.minutes(span), ({ rowCount }) => rowCount, onRows));
  for (const table of dayTables)
    await target.addDayRows(
      table,
      told(source.dayRows(table, span), ({ length }) => length, onRows),
    );
}

async function* told<T>(
  chunks: AsyncIterable<T>,
  countOf: (chunk: T) => number,
  onRows: (count: number) => void,
): AsyncGenerator<T> {
  for await (const chunk of chunks) {
    yield chunk;
    onRows(countOf(chunk));
  }
}

async function copyBooks({ source, target, facts }: CopyOptions): Promise<void> {
  for (const table of wholeTables) await target.putRows(table, source.rows(table));
  await target.putFacts(facts);
}
