/** Finds the clicks that a correction may concern. */

import { EventIdKind } from "../../model/click-batch.ts";
import { adDictionary } from "../../model/commit.ts";
import type { ClickIdentity } from "../../model/log-record.ts";
import { Outcome, outcomeNames } from "../../model/outcome.ts";
import type { OutcomeName } from "../../model/outcome.ts";
import { parseEventId } from "../../model/parse-event-id.ts";
import type { RecordedClick } from "../../model/recorded-click.ts";
import type { ClickPlace, RecordedClicksQuery } from "../click-store.ts";
import type { Catalog } from "./catalog.ts";
import {
  allTimes,
  placedToSql,
  rawWithin,
  timeRangeOf,
  within as withinTimes,
} from "./clicks-sql.ts";
import type { Connection, SqlValue } from "./connection.ts";
import { notDroppedToSql } from "./dropped-days.ts";
import { integer, unionToSql } from "./queries.ts";
import type { SqlRow } from "./read-chunk.ts";
import { wordsOfBigint } from "./read-chunk.ts";
import { keyColumnsOf } from "./scan.ts";
import type { Column } from "./schema.ts";
import {
  dictionaryTable,
  dimensionOfKey,
  expiredTable,
  quoted,
  rawColumns,
  textColumn,
} from "./schema.ts";

/** Of the temporary table that the wanted identities are put in. */
export const wantedTable = "wanted_click";
export const wantedColumns: readonly Column[] = [
  { name: "ad_id", type: "VARCHAR" },
  { name: "event_id_kind", type: "UTINYINT" },
  { name: "event_id", type: "UHUGEINT" },
  { name: "event_id_text", type: "VARCHAR" },
];

/** For every way in which the id may have been kept. */
export function wantedRows(
  identities: readonly ClickIdentity[],
): { adId: string; kind: number; words: Uint32Array; text: string | null }[] {
  return identities.flatMap(({ ad_id: adId, event_id: eventId }) =>
    parseEventId(eventId).map(({ kind, words }) => ({
      adId,
      kind,
      words,
      text: kind === EventIdKind.text ? eventId : null,
    })),
  );
}

/** Where `query` has identities they are in the wanted table. */
export async function readRecordedClicks(
  connection: Connection,
  catalog: Catalog,
  query: RecordedClicksQuery,
): Promise<RecordedClick[]> {
  const { partition, range, adId, changedBy, after, limit } = query;
  const times = range ? timeRangeOf(range) : allTimes;
  const tables = [...rawWithin(catalog, times), catalog.table(expiredTable)];
  const keys = keyColumnsOf(tables);
  // Of dimensions that have keys by now there may be texts from before.
  const texts = keys
    .map((name) => textColumn(dimensionOfKey(name)).name)
    .filter((name) => tables.some((table) => table.has(name)));
  const values: SqlValue[] = [];
  const ads = dictionaryTable(adDictionary);
  // Within each table only what is no join: the state of one is held for all tables at a time, and there are many.
  const within = [isOneOf(query.outcomes), ...withinTimes(times)].join(" AND ");
  const conditions = [
    notDroppedToSql(query.partition),
    ...(changedBy === undefined
      ? []
      : [
          `"position" IN (SELECT "position" FROM outcome_change WHERE commit_sequence = ${integer(changedBy)})`,
        ]),
    ...(adId === undefined
      ? []
      : [`ad = (SELECT "key" FROM ${ads} WHERE "value" = $${values.push(adId)})`]),
  ].join(" AND ");
  const own = rawColumns.map(({ name }) => quoted(name));
  const rows = unionToSql(tables, own, [...keys, ...texts], within);
  const isWanted = query.identities
    ? `SEMI JOIN (SELECT d."key" AS ad, w.* FROM ${wantedTable} w JOIN ${ads} d ON d."value" = w.ad_id) w
         ON w.ad = r.ad AND w.event_id_kind = r.event_id_kind AND w.event_id = r.event_id
           AND w.event_id_text IS NOT DISTINCT FROM r.event_id_text`
    : "";
  const found = await connection.rows(
    `WITH matched AS (SELECT r.* FROM (${rows}) r ${isWanted} WHERE ${conditions}),
      placed AS (
        SELECT * FROM (${placedToSql("matched", times)})
        ${partition === undefined ? "" : `WHERE "partition" = ${integer(partition)}`}),
      page AS (
        SELECT * FROM placed ${after ? `WHERE (${place}) > (${placeOf(after)})` : ""} ORDER BY ${place}
        ${limit === undefined ? "" : `LIMIT ${integer(limit)}`}),
      changed AS (
        SELECT o."position", arg_max(outcome_before, commit_sequence) ${
          changedBy === undefined ? "" : `FILTER (WHERE commit_sequence = ${integer(changedBy)})`
        } AS outcome_before,
          arg_min(outcome_before, commit_sequence) AS outcome_decided,
          bool_or(outcome_after IN (${Outcome.counted}, ${Outcome.restated})
            AND commit_sequence IN (SELECT commit_sequence FROM operation WHERE type = 'release')) AS is_released
        FROM outcome_change o WHERE "position" IN (SELECT "position" FROM page) GROUP BY o."position")
    SELECT p."partition", p.log_offset, p."row", p.click_timestamp, p.received_at, s."value", p.ad, p.event_id_kind,
      p.event_id, p.event_id_text, p.outcome, c.outcome_before,
      coalesce(c.outcome_decided, p.outcome), coalesce(c.is_released, FALSE)::INTEGER
      ${[...keys, ...texts].map((name) => `, p.${quoted(name)}`).join("")}
    FROM page p JOIN source s ON s."key" = p.source LEFT JOIN changed c ON c."position" = p."position"
    ORDER BY p.click_timestamp, p."partition", p.log_offset, p."row"`,
    values,
  );
  return found.map((row) => recordedClick(keys, texts, row));
}

/** A list of five would be a join. */
function isOneOf(outcomes: readonly OutcomeName[]): string {
  const bits = outcomes.reduce((sum, name) => sum | (1 << Outcome[name]), 0);
  return `((1 << outcome::INTEGER) & ${integer(bits)}) != 0`;
}

const place = `click_timestamp, "partition", log_offset, "row"`;

function placeOf({ clickTimestampMs, partition, offset, row }: ClickPlace): string {
  return [clickTimestampMs, partition, offset, row].map(integer).join(", ");
}

function recordedClick(
  keys: readonly string[],
  texts: readonly string[],
  row: SqlRow,
): RecordedClick {
  const [
    partition,
    offset,
    rowNumber,
    time,
    receivedAtMs,
    source,
    adKey,
    kind,
    id,
    text,
    outcome,
    before,
    decided,
    isReleased,
  ] = row;
  return {
    partition: partition as number,
    offset: offset as number,
    row: rowNumber as number,
    clickTimestampMs: time as number,
    receivedAtMs: receivedAtMs as number,
    source: source as string,
    adKey: adKey as number,
    eventIdKind: kind as number,
    eventIdWords: [...wordsOfBigint(id as bigint)],
    eventIdText: text as string | null,
    outcome: outcomeNames[outcome as number]!,
    outcomeBefore: before === null ? null : outcomeNames[before as number]!,
    outcomeDecided: outcomeNames[decided as number]!,
    isReleased: isReleased === 1,
    dimensionKeys: Object.fromEntries(
      keys.map((name, i) => [dimensionOfKey(name), row[14 + i] as number]),
    ),
    dimensionTexts: Object.fromEntries(
      texts.flatMap((name, i) => {
        const value = row[14 + keys.length + i] as string | null;
        return value === null ? [] : [[name.slice("s_".length), value]];
      }),
    ),
  };
}
