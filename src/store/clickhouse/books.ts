/** Ledger, journal, operations and attributes. */

import { outcomeNames } from "../../model/outcome.ts";
import type {
  AdAttributes,
  JournalSums,
  JournalSumsQuery,
  LedgerRow,
  RecordedOperation,
  RestatementRow,
  RestatementsQuery,
} from "../click-store.ts";
import { attributesOfRows, operationOfRow, restatementOfRow } from "../row-shapes.ts";
import { visiblePieces } from "../visibility.ts";
import { bucketToSql } from "./aggregate.ts";
import { outcomesFrom } from "./clicks.ts";
import type { Connection } from "./connection.ts";
import { integer, literal } from "./connection.ts";
import { commitsToSql, withinToSql } from "./seen-sql.ts";
import type { View } from "./state.ts";
import type { Visibility } from "../visibility.ts";
import type { MinuteRange } from "../../model/window.ts";

export async function readLedger(
  connection: Connection,
  { counting, tables }: View,
  fromMinute: number,
  toMinute: number,
): Promise<LedgerRow[]> {
  const sums = ["received", ...outcomeNames].map((name) => `sum(${name})`).join(", ");
  const own = `${withinToSql({ fromMinute, toMinute }, "received_minute")} AND ${counting}`;
  const rows = await connection.rows(
    `SELECT received_minute, source, ${sums}
     FROM ${tables.rows("ledger", own)}
     GROUP BY received_minute, source ORDER BY received_minute, source`,
  );
  return rows.map((row) => ({
    receivedMinute: row[0] as number,
    source: row[1] as string,
    received: row[2] as number,
    outcomes: outcomesFrom((name) => row[3 + outcomeNames.indexOf(name)] as number),
  }));
}

/** What of the journal may be seen, as it stood. */
function seenOfJournal(visibility: Visibility | undefined, range: MinuteRange): string {
  const pieces = visiblePieces(visibility, range);
  const cases = pieces.map((piece) => `(${withinToSql(piece)} AND ${commitsToSql(piece)})`);
  return `(${cases.join(" OR ")})`;
}

export async function readRestatements(
  connection: Connection,
  { counting, tables }: View,
  asOf: number,
  { fromMinute, toMinute, adId, after, limit, visibility }: RestatementsQuery,
): Promise<RestatementRow[]> {
  const range = { fromMinute, toMinute };
  const place = after
    ? `(minute, ad_id, revision, sequence) > (${integer(after.minute)}, ${literal(after.adId)}, ${integer(after.revision)}, ${integer(after.asOf)})`
    : "1";
  const own = `${withinToSql(range)} AND ${counting} AND sequence <= ${integer(asOf)}
    AND ${seenOfJournal(visibility, range)} AND ${place}
    AND ${adId === undefined ? "1" : `ad_id = ${literal(adId)}`}`;
  const rows = await connection.rows(
    `SELECT minute, ad_id, count_before, count_after, revision, reason, received_at, sequence
     FROM ${tables.rows("restatement", own)}
     ORDER BY minute, ad_id, revision, sequence
     ${limit === undefined ? "" : `LIMIT ${integer(limit)}`}`,
  );
  return rows.map(restatementOfRow);
}

export async function readJournalSums(
  connection: Connection,
  { counting, tables }: View,
  query: JournalSumsQuery,
): Promise<JournalSums[]> {
  const { fromMinute, adId, asOf, after, visibility, limit } = query;
  const bucket = bucketToSql(query) ?? integer(fromMinute);
  const conditions = [
    ...(adId === undefined ? [] : [`ad_id = ${literal(adId)}`]),
    ...(after ? [`(bucket, ad_id) > (${integer(after.bucketStart)}, ${literal(after.adId)})`] : []),
  ];
  const entries = `SELECT minute, ad_id, count_after - count_before AS clicks,
      ${seenOfJournal(visibility, query)} AS is_seen
    FROM ${tables.of("restatement")}
    WHERE ${withinToSql(query)} AND ${counting} AND sequence <= ${integer(asOf)}`;
  const rows = await connection.rows(
    `SELECT bucket, ad_id, countIf(c.is_seen) AS revisions, sumIf(c.clicks, NOT c.is_seen) AS unseen_clicks
     FROM ${tables.everywhere(entries)} c
     GROUP BY toInt32(${bucket}) AS bucket, c.ad_id AS ad_id
     ${conditions.length === 0 ? "" : `HAVING ${conditions.join(" AND ")}`}
     ORDER BY bucket, ad_id LIMIT ${integer(limit)}`,
  );
  return rows.map((row) => ({
    bucketStart: row[0] as number,
    adId: row[1] as string,
    revision: row[2] as number,
    unseenClicks: row[3] as number,
  }));
}

const operationColumns = "id, type, reason, partition, log_offset, received_at, result, sequence";

export async function readOperation(
  connection: Connection,
  { counting, tables }: View,
  id: string,
): Promise<RecordedOperation[]> {
  const own = `id = ${literal(id)} AND ${counting}`;
  const rows = await connection.rows(
    `SELECT ${operationColumns} FROM ${tables.rows("operation", own)}
     ORDER BY partition, log_offset`,
  );
  return rows.map(operationOfRow);
}

export async function readLastRecompute(
  connection: Connection,
  { counting, tables }: View,
  partition: number | undefined,
): Promise<RecordedOperation | undefined> {
  const own = partition === undefined ? "1" : `partition = ${integer(partition)}`;
  const done = `type IN ('recompute', 'rollback') AND ${own} AND ${counting}`;
  const rows = await connection.rows(
    `SELECT ${operationColumns} FROM ${tables.rows("operation", done)} ORDER BY sequence DESC`,
  );
  return rows.map(operationOfRow).find(({ result }) => result["applied"] === 1);
}

export async function readAdAttributes(
  connection: Connection,
  { counting, tables }: View,
  adId: string,
): Promise<AdAttributes | undefined> {
  const own = `ad_id = ${literal(adId)} AND ${counting}`;
  const rows = await connection.rows(
    `SELECT name, value, valid_from_minute FROM ${tables.rows("ad_attribute", own)} ORDER BY valid_from_minute, sequence, ordinal`,
  );
  return attributesOfRows(adId, rows);
}
