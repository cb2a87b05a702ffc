import { isDeepStrictEqual } from "node:util";
import { outcomeNames } from "../../model/outcome.ts";
import { CodedError } from "../../model/errors.ts";
import { dayOfMinute, formatMinute, minuteMs, minutesADay } from "../../model/time.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { QueryService } from "../../query/query-service.ts";
import type { ClickStoreReader } from "../../store/click-store.ts";
import type { OracleGroup } from "../oracle/oracle.ts";
import { allRows } from "./all-rows.ts";
import { cellFields, minutesOf } from "./cells.ts";
import { firstDifference } from "./first-difference.ts";
import type { PartitionedOracle } from "./partitioned-oracle.ts";

/** Few enough for most journals to have several pages. */
const journalPageEntries = 5;

/** Ledger, journal and every cell of the minute and the raw store against the oracle, and the service's own audit. */
export async function judgeBooks(
  oracle: PartitionedOracle,
  cells: readonly OracleGroup[],
  store: ClickStoreReader,
  query: QueryService,
  range: MinuteRange,
): Promise<string | undefined> {
  return (
    (await judgeCells(oracle, cells, store, range)) ??
    (await judgeLedger(oracle, store, query)) ??
    (await judgeJournal(oracle, query, range)) ??
    (await judgeAudit(query))
  );
}

async function judgeCells(
  { dropped }: PartitionedOracle,
  cells: readonly OracleGroup[],
  store: ClickStoreReader,
  range: MinuteRange,
): Promise<string | undefined> {
  for (const source of ["minute", "raw"] as const) {
    const query = {
      ...range,
      source,
      groupBy: cellFields,
      bucketStarts: minutesOf(range),
      order: "key",
      limit: 1e6,
    } as const;
    const isKept = ({ bucketStart }: { readonly bucketStart: number }): boolean =>
      !dropped[source === "raw" ? "raw" : "minutes"].has(dayOfMinute(bucketStart));
    const rows = (await store.aggregate(query)).rows.filter(isKept);
    const difference = firstDifference(`the ${source} store`, rows, cells.filter(isKept));
    if (difference !== undefined) return difference;
  }
  return undefined;
}

async function judgeLedger(
  oracle: PartitionedOracle,
  store: ClickStoreReader,
  query: QueryService,
): Promise<string | undefined> {
  const minuteOfKey = (key: string): number => Number(key.slice(key.lastIndexOf("|") + 1));
  const { firstLedgerDay } = oracle;
  const wasDropped = firstLedgerDay > -Infinity;
  const kept = [...oracle.ledger].filter(
    ([key]) => dayOfMinute(minuteOfKey(key)) >= firstLedgerDay,
  );
  const total = await totalProblem(oracle, store);
  if (total !== undefined) return total;
  const expected = new Map(kept);
  const minutes = [...expected.keys()].map(minuteOfKey);
  if (wasDropped) minutes.push(firstLedgerDay * minutesADay);
  if (minutes.length === 0) return undefined;
  const fromMs = Math.min(...minutes) * minuteMs;
  const toMs = (Math.max(...minutes) + 1) * minuteMs;
  const to = String(toMs);
  if (wasDropped && !(await isRefused(query.ledger({ from: String(fromMs - minuteMs), to }))))
    return "the ledger of what is kept no more is answered";
  const { rows, balanced } = await query.ledger({ from: String(fromMs), to });
  if (!balanced) return "the ledger does not balance";
  const found = rows.map((row) =>
    show([row.source, row.minute, row.received, ...outcomeNames.map((name) => row[name])]),
  );
  const wanted = [...expected].map(([key, row]) => {
    const at = key.lastIndexOf("|");
    const minute = formatMinute(Number(key.slice(at + 1)));
    const numbers = [row.received, ...outcomeNames.map((name) => row[name])];
    return show([key.slice(0, at), minute, ...numbers]);
  });
  return differenceOf("the ledger", found, wanted);
}

/** Totals are of all that ever came, whatever is kept of it. */
async function totalProblem(
  oracle: PartitionedOracle,
  store: ClickStoreReader,
): Promise<string | undefined> {
  const rows = await store.ledger(0, Infinity);
  const found = rows.map((row) => Object.assign({ received: row.received }, row.outcomes));
  const [has, should] = [found, [...oracle.ledger.values()]].map((all) =>
    (["received", ...outcomeNames] as const).map((name) =>
      all.reduce((sum, row) => sum + row[name], 0),
    ),
  );
  if (isDeepStrictEqual(has, should)) return undefined;
  return `the ledger adds up to ${show(has)} instead of ${show(should)}`;
}

async function isRefused(answer: Promise<unknown>): Promise<boolean> {
  return await answer.then(
    () => false,
    (error: unknown) => error instanceof CodedError && error.code === "outside_retention",
  );
}

async function judgeJournal(
  oracle: PartitionedOracle,
  query: QueryService,
  { fromMinute: firstMinute, toMinute }: MinuteRange,
): Promise<string | undefined> {
  const droppedMinutes = [...oracle.dropped.minutes].map((day) => (day + 1) * minutesADay);
  const fromMinute = Math.max(firstMinute, ...droppedMinutes);
  if (fromMinute > firstMinute) {
    const whole = { from: String(firstMinute * minuteMs), to: String(toMinute * minuteMs) };
    if (!(await isRefused(query.restatements(whole))))
      return "the journal of what is kept no more is answered";
  }
  if (fromMinute >= toMinute) return undefined;
  const request = {
    from: String(fromMinute * minuteMs),
    to: String(toMinute * minuteMs),
    limit: String(journalPageEntries),
  };
  const rows = await allRows((cursor) => query.restatements({ ...request, ...cursor }));
  const found = rows.map(({ minute, ad_id, before, after, revision, reason }) =>
    show([minute, ad_id, before, after, revision, reason]),
  );
  const kept = oracle.present.journal.filter(({ minute }) => minute >= fromMinute);
  const wanted = kept.map((entry) => {
    const { adId, before, after, revision, reason } = entry;
    return show([formatMinute(entry.minute), adId, before, after, revision, reason]);
  });
  return differenceOf("the journal", found, wanted);
}

async function judgeAudit(query: QueryService): Promise<string | undefined> {
  const { differing_rows, ledger_balanced, differences } = await query.audit({});
  if (differing_rows === 0 && ledger_balanced) return undefined;
  return `the audit finds ${differing_rows} differences: ${show(differences[0])}`;
}

/** As multisets. */
function differenceOf(
  what: string,
  found: readonly string[],
  wanted: readonly string[],
): string | undefined {
  const [has, should] = [found.toSorted(), wanted.toSorted()];
  if (isDeepStrictEqual(has, should)) return undefined;
  const extra = has.filter((line) => !should.includes(line));
  const missing = should.filter((line) => !has.includes(line));
  return `${what} has ${show(extra.slice(0, 3))} instead of ${show(missing.slice(0, 3))}`;
}

function show(value: unknown): string {
  return JSON.stringify(value);
}
