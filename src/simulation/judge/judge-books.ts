import { isDeepStrictEqual } from "node:util";
import { outcomeNames } from "../../model/outcome.ts";
import { formatMinute, minuteMs } from "../../model/time.ts";
import type { QueryService, RestatementsAnswer } from "../../query/query-service.ts";
import type { ClickStore } from "../../store/click-store.ts";
import type { PartitionedOracle } from "./partitioned-oracle.ts";

interface Range {
  readonly fromMinute: number;
  readonly toMinute: number;
}

/** Few enough for most journals to have several pages. */
const journalPageEntries = 5;

/** Ledger, journal and every cell of the minute and the raw store against the oracle, and the service's own audit. */
export async function judgeBooks(
  oracle: PartitionedOracle,
  store: ClickStore,
  query: QueryService,
  range: Range,
): Promise<string | undefined> {
  return (
    (await judgeCells(oracle, store, range)) ??
    (await judgeLedger(oracle, query)) ??
    (await judgeJournal(oracle, query, range)) ??
    (await judgeAudit(query))
  );
}

async function judgeCells(
  oracle: PartitionedOracle,
  store: ClickStore,
  range: Range,
): Promise<string | undefined> {
  const by = ["ad_id", "country", "device"];
  const { fromMinute, toMinute } = range;
  const bucketStarts = Array.from({ length: toMinute - fromMinute }, (_, i) => fromMinute + i);
  const expected = oracle.breakdown(range, by, bucketStarts);
  for (const source of ["minute", "raw"] as const) {
    const query = {
      ...range,
      source,
      groupBy: by,
      bucketStarts,
      order: "key",
      limit: 1e6,
    } as const;
    const { rows } = await store.aggregate(query);
    const at = rows.findIndex((row, i) => !isDeepStrictEqual(row, expected[i]));
    if (at !== -1 || rows.length !== expected.length) {
      const [found, wanted] = [rows, expected].map((all) =>
        show(all[at === -1 ? rows.length : at]),
      );
      return `the ${source} store has ${found} instead of ${wanted}`;
    }
  }
  return undefined;
}

async function judgeLedger(
  oracle: PartitionedOracle,
  query: QueryService,
): Promise<string | undefined> {
  const expected = oracle.ledger;
  const minutes = [...expected.keys()].map((key) => Number(key.slice(key.lastIndexOf("|") + 1)));
  if (minutes.length === 0) return undefined;
  const fromMs = Math.min(...minutes) * minuteMs;
  const toMs = (Math.max(...minutes) + 1) * minuteMs;
  const { rows, balanced } = await query.ledger({ from: String(fromMs), to: String(toMs) });
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

async function judgeJournal(
  oracle: PartitionedOracle,
  query: QueryService,
  { fromMinute, toMinute }: Range,
): Promise<string | undefined> {
  const request = {
    from: String(fromMinute * minuteMs),
    to: String(toMinute * minuteMs),
    limit: String(journalPageEntries),
  };
  const found: string[] = [];
  let cursor: string | null = null;
  do {
    const page: RestatementsAnswer = await query.restatements({
      ...request,
      ...(cursor !== null && { cursor }),
    });
    for (const { minute, ad_id, before, after, revision, reason } of page.rows)
      found.push(show([minute, ad_id, before, after, revision, reason]));
    cursor = page.next_cursor;
  } while (cursor !== null);
  const wanted = oracle.journal.map((entry) => {
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
