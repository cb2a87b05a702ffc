/** Finds the clicks that a correction may concern. */

import { EventIdKind } from "../../model/click-batch.ts";
import { adDictionary } from "../../model/commit.ts";
import { Outcome, outcomeNames } from "../../model/outcome.ts";
import { parseEventId } from "../../model/parse-event-id.ts";
import type { RecordedClick } from "../../model/recorded-click.ts";
import type { RecordedClicksQuery } from "../click-store.ts";
import { placeColumns, placeOf } from "./clicks.ts";
import type { Connection, SqlRow } from "./connection.ts";
import { integer, literal } from "./connection.ts";
import { formOfId, idColumns, wordsOfHex } from "./identities.ts";
import { minuteDimensions } from "./minutes.ts";
import { isOfToSql } from "./moved-partitions.ts";
import { keptDaysToSql } from "./retention.ts";
import { clicksToSql, columnsOf } from "./seen-sql.ts";
import type { View } from "./state.ts";

/** Commits of releases, as a list of their sequences. */
const releases = ({ tables, counting }: View): string =>
  `SELECT sequence FROM ${tables.of("operation")} WHERE type = 'release' AND ${counting}`;

export async function readRecordedClicks(
  connection: Connection,
  view: View,
  query: RecordedClicksQuery,
): Promise<RecordedClick[]> {
  const { partition, range, adId, after, changedBy, identities, limit, outcomes } = query;
  if (outcomes.length === 0 || identities?.length === 0) return [];
  const names = minuteDimensions(view).filter((name) => view.state.columns.click.has(name));
  const conditions = [
    keptDaysToSql(view, partition),
    ...(partition === undefined ? [] : [isOfToSql(view, partition)]),
    ...(adId === undefined ? [] : [`ad_id = ${literal(adId)}`]),
    ...(identities
      ? [`(ad_id, event_id_kind, event_id, event_id_text) IN (${wantedIds(identities)})`]
      : []),
  ];
  const changes = `SELECT partition, log_offset, row,
      argMax(outcome_before, sequence) AS before_last,
      argMaxIf(outcome_before, sequence, sequence = ${integer(changedBy ?? 0)}) AS before_that,
      countIf(sequence = ${integer(changedBy ?? 0)}) AS changes_of_that,
      argMin(outcome_before, sequence) AS decided,
      max(outcome_after IN (${Outcome.counted}, ${Outcome.restated}) AND sequence IN (${releases(view)})) AS is_released,
      1 AS is_changed
    FROM ${view.tables.of("outcome_change")} WHERE ${view.counting} GROUP BY partition, log_offset, row`;
  const all = range ?? { fromMinute: -Infinity, toMinute: Infinity };
  const found = `SELECT c.*, ${changedBy === undefined ? "o.before_last" : "o.before_that"} AS outcome_before,
      o.decided AS decided, o.is_released AS is_released, o.is_changed AS is_changed
    FROM ${clicksToSql(view, undefined, all, conditions.join(" AND "))} c
    LEFT JOIN (${changes}) o ON o.partition = c.partition AND o.log_offset = c.log_offset AND o.row = c.row
    WHERE c.outcome IN (${outcomes.map((name) => Outcome[name]).join(", ")})
      AND ${changedBy === undefined ? "1" : "o.changes_of_that > 0"}`;
  const shown = [
    "partition, log_offset, row, click_timestamp, received_at, source, ad_id",
    idColumns,
    "outcome, outcome_before, decided, is_released, is_changed",
    ...columnsOf(names),
  ];
  const rows = await connection.rows(
    `SELECT ${shown.join(", ")} FROM ${view.tables.everywhere(found)}
     WHERE ${after ? `(${placeColumns}) > (${placeOf(after)})` : "1"}
     ORDER BY ${placeColumns} ${limit === undefined ? "" : `LIMIT ${integer(limit)}`}`,
  );
  return rows.map((row) => recordedClick(row, names, view));
}

/** For every way in which the id may have been kept. */
function wantedIds(identities: NonNullable<RecordedClicksQuery["identities"]>): string {
  const forms = identities.flatMap(({ ad_id: adId, event_id: eventId }) =>
    parseEventId(eventId).map(({ kind, words }) => {
      const id = formOfId(kind, words, kind === EventIdKind.text ? eventId : null);
      return `(${literal(adId)}, ${id.slice(1, -1)})`;
    }),
  );
  return forms.join(", ");
}

function recordedClick(row: SqlRow, names: readonly string[], { state }: View): RecordedClick {
  const [partition, offset, place, time, receivedAtMs, source, adId, kind, hex, text] = row;
  const [outcome, before, decided, isReleased, isChanged, ...values] = row.slice(10);
  const isText = kind === EventIdKind.text;
  const keyOf = (i: number): number =>
    state.dictionaries.keyOf(names[i]!, values[i] as string | null);
  return {
    partition: partition as number,
    offset: offset as number,
    row: place as number,
    clickTimestampMs: time as number,
    receivedAtMs: receivedAtMs as number,
    source: source as string,
    adKey: state.dictionaries.keyOf(adDictionary, adId as string),
    eventIdKind: kind as number,
    eventIdWords: wordsOfHex(hex as string),
    eventIdText: isText ? (text as string) : null,
    outcome: outcomeNames[outcome as number]!,
    outcomeBefore: isChanged === 1 ? outcomeNames[before as number]! : null,
    outcomeDecided: outcomeNames[(isChanged === 1 ? decided : outcome) as number]!,
    isReleased: isChanged === 1 && isReleased === 1,
    dimensionKeys: Object.fromEntries(names.map((name, i) => [name, keyOf(i)])),
    dimensionTexts: Object.fromEntries(
      names.flatMap((name, i) =>
        values[i] !== null && keyOf(i) === 0 ? [[name, values[i] as string]] : [],
      ),
    ),
  };
}
