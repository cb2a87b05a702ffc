/** The smaller reads: what is recovered at the start, what holds as of a commit, books, attributes, outcomes, extent. */

import { adDictionary } from "../../model/commit.ts";
import type { PartitionProgress } from "../../model/commit.ts";
import { outcomeNames } from "../../model/outcome.ts";
import type { OutcomeName } from "../../model/outcome.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import { minuteMs } from "../../model/time.ts";
import type {
  AdAttributes,
  LedgerRow,
  OutcomeCounts,
  RecordedClose,
  RecordedLayoutChange,
  RecordedOperation,
  PastSnapshot,
  RecoveredState,
  RestatementsPage,
  RestatementsQuery,
} from "../click-store.ts";
import { newHistoryId } from "../history-id.ts";
import {
  attributesOfRows,
  closeOfRow,
  layoutChangeOfRow,
  operationOfRow,
  restatementOfRow,
} from "../row-shapes.ts";
import type { Catalog, TableShape } from "./catalog.ts";
import type { WriterState } from "./commit.ts";
import type { Connection, SqlValue } from "./connection.ts";
import { readDroppedDays } from "./dropped-days.ts";
import { integer } from "./queries.ts";
import { dictionaryTable, expiredTable, minutesTable, quoted } from "./schema.ts";
import { minuteRowsToSql } from "./visibility-sql.ts";

export async function readWriterState(connection: Connection): Promise<WriterState> {
  const [row] = await connection.rows(
    `SELECT coalesce((SELECT max("sequence") FROM commit_log), 0),
            coalesce((SELECT max(first_position + row_count) FROM log_record), 1)`,
  );
  const sources = await connection.rows(`SELECT "value", "key" FROM source`);
  return {
    sequence: row![0] as number,
    nextPosition: row![1] as number,
    sourceKeys: new Map(sources as unknown as [string, number][]),
    newHistoryId: newHistoryId(),
  };
}

/** As of the commit `sequence`; where it is long past, see PastSnapshot. */
export async function readProgress(
  connection: Connection,
  sequence: number,
): Promise<PartitionProgress[]> {
  const rows = await connection.rows(
    `SELECT "partition", arg_max(next_offset, "sequence"), arg_max(watermark, "sequence")
     FROM commit_log WHERE "sequence" <= $1 GROUP BY "partition" ORDER BY "partition"`,
    [sequence],
  );
  return rows.map((row) => ({
    partition: row[0] as number,
    nextOffset: row[1] as number,
    watermarkMs: row[2] as number,
  }));
}

export async function readSnapshotAt(
  connection: Connection,
  asOf: number,
): Promise<PastSnapshot | undefined> {
  if (asOf > (await readSequence(connection))) return undefined;
  const configs = await readConfigs(connection, asOf);
  const progress = await readProgress(connection, asOf);
  const layoutChanges = await readLayoutChanges(connection, asOf);
  return { asOf, progress, configs, layoutChanges, closes: await readCloses(connection, asOf) };
}

/** Those that the commits up to `asOf` brought, oldest first. */
export async function readConfigs(
  connection: Connection,
  asOf: number = Number.MAX_SAFE_INTEGER,
): Promise<SemanticConfig[]> {
  const rows = await connection.rows(
    "SELECT settings FROM config WHERE commit_sequence <= $1 ORDER BY generation",
    [asOf],
  );
  return rows.map((row) => JSON.parse(row[0] as string) as SemanticConfig);
}

export async function recover(connection: Connection, catalog: Catalog): Promise<RecoveredState> {
  const sequence = await readSequence(connection);
  const dictionaries = new Map<string, string[]>();
  for (const dictionary of catalog.dictionaries) {
    const table = quoted(dictionaryTable(dictionary));
    const rows = await connection.rows(`SELECT "value" FROM ${table} ORDER BY "key"`);
    if (rows.length > 0)
      dictionaries.set(
        dictionary,
        rows.map((row) => row[0] as string),
      );
  }
  return {
    sequence,
    progress: await readProgress(connection, sequence),
    dictionaries,
    configs: await readConfigs(connection),
    closes: await readCloses(connection),
    layoutChanges: await readLayoutChanges(connection),
    droppedDays: await readDroppedDays(connection),
  };
}

/** Those that the commits up to `asOf` brought, in their order. */
export async function readLayoutChanges(
  connection: Connection,
  asOf: number = Number.MAX_SAFE_INTEGER,
): Promise<RecordedLayoutChange[]> {
  const rows = await connection.rows(
    `SELECT id, "partition", from_minute, to_minute, dimensions, commit_sequence FROM layout_change
     WHERE commit_sequence <= $1 ORDER BY commit_sequence, from_minute`,
    [asOf],
  );
  return rows.map(layoutChangeOfRow);
}

/** Those that the commits up to `asOf` brought, in their order. */
export async function readCloses(
  connection: Connection,
  asOf: number = Number.MAX_SAFE_INTEGER,
): Promise<RecordedClose[]> {
  const rows = await connection.rows(
    `SELECT id, through_minute, "zone", "partition", received_at, commit_sequence
     FROM closed_period WHERE commit_sequence <= $1 ORDER BY commit_sequence`,
    [asOf],
  );
  return rows.map(closeOfRow);
}

export async function readOperation(
  connection: Connection,
  id: string,
): Promise<RecordedOperation[]> {
  const rows = await connection.rows(
    `SELECT ${operationColumns} FROM operation WHERE id = $1 ORDER BY "partition", log_offset`,
    [id],
  );
  return rows.map(operationOfRow);
}

export async function readLastRecompute(
  connection: Connection,
  partition: number | undefined,
): Promise<RecordedOperation | undefined> {
  const own = partition === undefined ? "TRUE" : `"partition" = ${integer(partition)}`;
  const rows = await connection.rows(
    `SELECT ${operationColumns} FROM operation
     WHERE type IN ('recompute', 'rollback') AND ${own} ORDER BY commit_sequence DESC`,
  );
  return rows.map(operationOfRow).find(({ result }) => result["applied"] === 1);
}

const operationColumns =
  'id, type, reason, "partition", log_offset, received_at, result, commit_sequence';

export async function readRestatements(
  connection: Connection,
  { fromMinute, toMinute, adId, after, limit, visibility, ...query }: RestatementsQuery,
): Promise<RestatementsPage> {
  // The journal only grows, so that what a commit and those before it wrote is the same in every later snapshot.
  const asOf = query.asOf ?? (await readSequence(connection));
  const values: SqlValue[] = [fromMinute, toMinute, asOf];
  const bind = (value: SqlValue): string => `$${values.push(value)}`;
  const seen = minuteRowsToSql(visibility, { fromMinute, toMinute });
  const conditions = ["r.minute >= $1", "r.minute < $2", "r.commit_sequence <= $3", seen];
  if (adId !== undefined) conditions.push(`d."value" = ${bind(adId)}`);
  if (after) {
    const place = [after.minute, after.adId, after.revision, after.asOf].map(bind).join(", ");
    conditions.push(`(r.minute, d."value", r.revision, r.commit_sequence) > (${place})`);
  }
  const rows = await connection.rows(
    `SELECT r.minute, d."value", r.count_before, r.count_after, r.revision, r.reason, r.received_at,
       r.commit_sequence
     FROM restatement r JOIN ${dictionaryTable(adDictionary)} d ON d."key" = r.ad
     WHERE ${conditions.join(" AND ")}
     ORDER BY r.minute, d."value", r.revision, r.commit_sequence
     ${limit === undefined ? "" : `LIMIT ${bind(limit)}`}`,
    values,
  );
  return { asOf, rows: rows.map(restatementOfRow) };
}

/** Of partitions that have committed anything. */
export async function readPartitionCount(connection: Connection): Promise<number> {
  const [row] = await connection.rows(`SELECT count(DISTINCT "partition") FROM commit_log`);
  return row![0] as number;
}

/** Of the last commit, 0 before the first. */
export async function readSequence(connection: Connection): Promise<number> {
  const [row] = await connection.rows(`SELECT max("sequence") FROM commit_log`);
  return (row?.[0] as number | null | undefined) ?? 0;
}

export async function readLedger(
  connection: Connection,
  fromMinute: number,
  toMinute: number,
): Promise<LedgerRow[]> {
  const sums = ["received", ...outcomeNames].map((name) => `SUM(l.${name})::BIGINT`).join(", ");
  const rows = await connection.rows(
    `SELECT l.received_minute, s."value" AS source_name, ${sums}
     FROM ledger l JOIN source s ON s."key" = l.source
     WHERE l.received_minute >= $1 AND l.received_minute < $2
     GROUP BY l.received_minute, source_name ORDER BY l.received_minute, source_name`,
    [fromMinute, toMinute],
  );
  return rows.map((row) => ({
    receivedMinute: row[0] as number,
    source: row[1] as string,
    received: row[2] as number,
    outcomes: outcomesFrom((name) => row[3 + outcomeNames.indexOf(name)] as number),
  }));
}

export async function readAdAttributes(
  connection: Connection,
  adId: string,
): Promise<AdAttributes | undefined> {
  const rows = await connection.rows(
    `SELECT "name", "value", valid_from_minute FROM ad_attribute WHERE ad_id = $1
     ORDER BY valid_from_minute, commit_sequence, ordinal`,
    [adId],
  );
  return attributesOfRows(adId, rows);
}

export async function readOutcomes(
  connection: Connection,
  catalog: Catalog,
  record: { partition: number; offset: number; fromRow: number; toRow: number },
): Promise<OutcomeCounts | undefined> {
  const [found] = await connection.rows(
    `SELECT first_position, row_count, first_day, last_day FROM log_record
     WHERE log_offset = $2 AND "partition" = $1`,
    [record.partition, record.offset],
  );
  if (!found) return undefined;
  const [first, rowCount, firstDay, lastDay] = found as [number, number, number, number];
  const from = first + record.fromRow;
  const to = first + Math.min(record.toRow, rowCount);
  const rows = [...catalog.raw(firstDay, lastDay), catalog.table(expiredTable)]
    .map(
      ({ name }) =>
        `SELECT outcome FROM ${quoted(name)} WHERE "position" >= ${from} AND "position" < ${to}`,
    )
    .join(" UNION ALL ");
  const counts = await connection.rows(`SELECT outcome, count(*) FROM (${rows}) GROUP BY outcome`);
  const byOutcome = new Map(counts as unknown as [number, number][]);
  return outcomesFrom((name) => byOutcome.get(outcomeNames.indexOf(name)) ?? 0);
}

export function outcomesFrom(countOf: (name: OutcomeName) => number): OutcomeCounts {
  return Object.fromEntries(outcomeNames.map((name) => [name, countOf(name)])) as OutcomeCounts;
}

/** Of the clicks that count for some minute; expired ones are of no minute that is kept. */
export async function readExtent(
  connection: Connection,
  catalog: Catalog,
): Promise<{ firstMinute: number; lastMinute: number } | undefined> {
  const minuteOfRaw = `(click_timestamp // ${minuteMs})::INTEGER`;
  const extentOfTables = (raw: readonly TableShape[], minutes: readonly TableShape[]) =>
    extentOf(connection, [
      ...raw.map(({ name }) => `SELECT ${minuteOfRaw} AS minute FROM ${name}`),
      ...minutes.map(({ name }) => `SELECT minute FROM ${name}`),
    ]);
  const found = [await extentOfTables(catalog.scattered(), catalog.deltas())];
  // The first and the last day that hold anything decide; those between cannot reach beyond them.
  for (const days of [catalog.days, catalog.days.toReversed()]) {
    for (const day of days) {
      const minutes = catalog.minutes(day, day).filter(({ name }) => name === minutesTable(day));
      const extent = await extentOfTables(catalog.rawOfDays(day, day), minutes);
      found.push(extent);
      if (extent) break;
    }
  }
  const extents = found.filter((extent) => extent !== undefined);
  if (extents.length === 0) return undefined;
  return {
    firstMinute: Math.min(...extents.map((extent) => extent.firstMinute)),
    lastMinute: Math.max(...extents.map((extent) => extent.lastMinute)),
  };
}

async function extentOf(
  connection: Connection,
  selects: readonly string[],
): Promise<{ firstMinute: number; lastMinute: number } | undefined> {
  const sql = `SELECT min(minute), max(minute) FROM (${selects.join(" UNION ALL ")})`;
  const [row] = await connection.rows(sql);
  const [firstMinute, lastMinute] = row as [number | null, number | null];
  return firstMinute === null || lastMinute === null ? undefined : { firstMinute, lastMinute };
}
