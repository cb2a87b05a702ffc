/** Lists the clicks of one ad, with the original of each duplicate. */

import { adDictionary } from "../../model/commit.ts";
import { formatEventId } from "../../model/click-batch.ts";
import { formatIp } from "../../model/ip.ts";
import { Outcome, outcomeNames } from "../../model/outcome.ts";
import { dayMs, minuteMs } from "../../model/time.ts";
import type { ClicksQuery, ListedClick, OutcomeCounts, StoredClick } from "../click-store.ts";
import type { Catalog } from "./catalog.ts";
import type { OriginalSearch, TimeRange } from "./clicks-sql.ts";
import { originalsToSql, outcomesToSql, pageToSql, timeRangeOf } from "./clicks-sql.ts";
import type { Connection } from "./connection.ts";
import type { StoreContext } from "./queries.ts";
import { outcomesFrom } from "./read.ts";
import { wordsOfBigint } from "./read-chunk.ts";
import type { SqlRow } from "./read-chunk.ts";
import { dictionaryTable } from "./schema.ts";

interface ListedClicks {
  readonly asOf: number;
  readonly clicks: readonly ListedClick[];
  readonly outcomes: OutcomeCounts;
}

/** All in one transaction, so that clicks, totals and originals are of one snapshot. */
export async function readClicks(
  connection: Connection,
  context: StoreContext,
  query: ClicksQuery,
): Promise<ListedClicks> {
  return await connection.snapshot(async () => {
    const [row] = await connection.rows(
      `SELECT max("sequence"),
         (SELECT "key" FROM ${dictionaryTable(adDictionary)} WHERE "value" = $1) FROM commit_log`,
      [query.adId],
    );
    const [asOf, adKey] = row as [number | null, number | null];
    // An ad without a key has no clicks.
    if (adKey === null) return { asOf: asOf ?? 0, clicks: [], outcomes: outcomesFrom(() => 0) };
    const outcomes = outcomesToSql(query, adKey, context);
    const counts = await connection.rows(outcomes.sql, outcomes.values);
    const byOutcome = new Map(counts as unknown as [number, number][]);
    const page = pageToSql(query, adKey, context);
    const rows = await connection.rows(page.sql, page.values);
    const originals = await readOriginals(connection, context.catalog, query, adKey, rows);
    return {
      asOf: asOf ?? 0,
      clicks: rows.map((click) => listedClick(click, query.dimensions, originals)),
      outcomes: outcomesFrom((name) => byOutcome.get(Outcome[name]) ?? 0),
    };
  });
}

/** Columns of pageToSql. */
const at = { receivedAt: 4, outcome: 6, position: 7, kind: 8, id: 9, text: 10, dimensions: 11 };

function listedClick(
  row: SqlRow,
  dimensions: readonly string[],
  originals: ReadonlyMap<number, StoredClick>,
): ListedClick {
  const text = row[at.text] as string | null;
  const words = wordsOfBigint(row[at.id] as bigint);
  return {
    ...storedClick(row),
    eventId: formatEventId(row[at.kind] as number, words, 0, text ?? undefined),
    dimensions: Object.fromEntries(
      dimensions.map((name, i) => {
        const address = row[at.dimensions + 2 * i + 1] as bigint | null;
        if (address !== null) return [name, formatIp(wordsOfBigint(address), 0)];
        return [name, row[at.dimensions + 2 * i] as string | null];
      }),
    ),
    original: originals.get(row[at.position] as number) ?? null,
  };
}

/** The first columns of pageToSql; also those of originalsToSql after its first. */
function storedClick(row: SqlRow): StoredClick {
  const [clickTimestampMs, partition, offset, place, receivedAtMs, source, outcome] = row;
  return {
    clickTimestampMs: clickTimestampMs as number,
    partition: partition as number,
    offset: offset as number,
    row: place as number,
    receivedAtMs: receivedAtMs as number,
    source: source as string,
    outcome: outcomeNames[outcome as number]!,
  };
}

/** By position of the duplicate. */
async function readOriginals(
  connection: Connection,
  catalog: Catalog,
  query: ClicksQuery,
  adKey: number,
  rows: readonly SqlRow[],
): Promise<ReadonlyMap<number, StoredClick>> {
  const originals = new Map<number, StoredClick>();
  const duplicates = rows.filter((row) => row[at.outcome] === Outcome.duplicate);
  const range = timeRangeOf(query);
  for (const searchOf of searches) {
    const open = duplicates.filter((row) => !originals.has(row[at.position] as number));
    if (open.length === 0) break;
    const positions = open.map((row) => row[at.position] as number);
    const { sql } = originalsToSql(positions, range, searchOf(range, open), adKey, {
      catalog,
      ...(query.visibility && { visibility: query.visibility }),
    });
    for (const [duplicate, ...original] of await connection.rows(sql)) {
      originals.set(duplicate as number, storedClick(original));
    }
  }
  return originals;
}

/**
 * A duplicate repeats a click of its minute, or, re-stamped, the one whose event time was recent when it was received.
 * Of all recorded before it that is the one with the latest event time, for none is recorded beside a recent one: so
 * the days around the receipt are looked at before all others.
 */
const searches: readonly ((range: TimeRange, open: readonly SqlRow[]) => OriginalSearch)[] = [
  ({ fromMs, toMs }) => ({
    fromMs: Math.floor(fromMs / minuteMs) * minuteMs,
    toMs: Math.ceil(toMs / minuteMs) * minuteMs,
    inSameMinute: true,
  }),
  (_range, open) => {
    const receivedAt = open.map((row) => row[at.receivedAt] as number);
    return { fromMs: Math.min(...receivedAt) - 2 * dayMs, toMs: Infinity, inSameMinute: false };
  },
  () => ({ fromMs: -Infinity, toMs: Infinity, inSameMinute: false }),
];
