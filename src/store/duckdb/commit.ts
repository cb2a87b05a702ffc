/** Writes one commit in one transaction: raw clicks, minute counts, ledger, journal, progress and what they refer to. */

import { outcomeNames } from "../../model/outcome.ts";
import { EventIdKind } from "../../model/click-batch.ts";
import type { Commit, MinuteDeltas } from "../../model/commit.ts";
import { movesCounts } from "../../model/commit.ts";
import type { Column } from "./schema.ts";
import {
  deltaTable,
  dictionaryColumns,
  dictionaryTable,
  dimensionOfKey,
  expiredTable,
  ipColumn,
  keyColumn,
  rawTable,
  scatteredTable,
  textColumn,
} from "./schema.ts";
import type { Part } from "./schema.ts";
import type { ColumnBuffer, ColumnSetter, TableAppenders } from "./append-columns.ts";
import type { Catalog, NeededTables } from "./catalog.ts";
import { appendFacts, appendFixed } from "./append-facts.ts";
import { newHistoryId } from "../history-id.ts";
import { metaRowOf } from "./histories.ts";
import type { RowsByTable, Slice } from "./rows-by-table.ts";

/** What the store knows between two commits. */
export interface WriterState {
  /** Of the last commit. */
  sequence: number;
  /** Position that the next raw row gets, from 1. */
  nextPosition: number;
  readonly sourceKeys: Map<string, number>;
  /** Of the history that the next commit begins; absent where one has begun it. */
  readonly newHistoryId?: string;
}

export function neededTables(commit: Commit, rows: RowsByTable): NeededTables {
  const keyed = new Map<string, Column>();
  const unkeyed = new Map<string, Column>();
  for (const { batch, dimensionKeys } of commit.clicks) {
    for (const name of dimensionKeys.keys()) keyed.set(name, keyColumn(name));
    for (const { name, column } of batch.dimensions) {
      if (dimensionKeys.has(name)) continue;
      const definition = column.type === "ip" ? ipColumn(name) : textColumn(name);
      unkeyed.set(definition.name, definition);
    }
  }
  for (const name of commit.minutes.dimensionKeys.keys()) keyed.set(name, keyColumn(name));
  const dictionaries = new Set(commit.dictionaries.map((growth) => growth.dictionary));
  for (const name of keyed.keys()) dictionaries.add(name);
  return {
    days: [...rows.byDay.keys()],
    expired: rows.expired.length > 0,
    keyed: [...keyed.values()],
    unkeyed: [...unkeyed.values()],
    dictionaries,
  };
}

/** Appends everything; the caller holds the transaction. Returns the state as it is once that is committed. */
export function appendCommit(
  appenders: TableAppenders,
  catalog: Catalog,
  part: Part,
  commit: Commit,
  rows: RowsByTable,
  state: WriterState,
): WriterState {
  const sourceKeys = new Map(state.sourceKeys);
  appendDictionaries(appenders, commit);
  appendRaw(appenders, catalog, part, rows, state.nextPosition);
  appendLogRecords(appenders, commit, rows, state.nextPosition, sourceKeys);
  appendMinutes(appenders, catalog, part, commit.minutes, commit.sequence);
  appendLedger(appenders, commit, sourceKeys);
  appendFacts(appenders, commit);
  appendSources(appenders, state.sourceKeys, sourceKeys);
  const startsOver = movesCounts(commit);
  if (state.newHistoryId !== undefined || startsOver) {
    const id = state.newHistoryId ?? newHistoryId();
    const start = { firstSequence: commit.sequence, id, startsOver };
    appendFixed(appenders, "meta", [metaRowOf(start)]);
  }
  return {
    sequence: commit.sequence,
    nextPosition: state.nextPosition + rows.rowCount,
    sourceKeys,
  };
}

function appendDictionaries(appenders: TableAppenders, commit: Commit): void {
  for (const { dictionary, firstKey, values } of commit.dictionaries) {
    const rows = values.map((value, i) => [firstKey + i, value]);
    appenders.append(dictionaryTable(dictionary), dictionaryColumns, (table) =>
      table.addRows(rows),
    );
  }
}

function appendRaw(
  appenders: TableAppenders,
  catalog: Catalog,
  part: Part,
  rows: RowsByTable,
  firstPosition: number,
): void {
  const append = (name: string, slices: readonly Slice[]) =>
    appenders.append(name, catalog.table(name).columns, (table) => {
      for (const slice of slices) {
        table.add(slice.rowCount, slice.rows, (column) =>
          clickSetter(slice, firstPosition, column),
        );
      }
    });
  for (const [day, slices] of rows.byDay) append(rawTable(day, part), slices);
  if (rows.scattered.length > 0) append(scatteredTable(part), rows.scattered);
  if (rows.expired.length > 0) append(expiredTable, rows.expired);
}

function clickSetter(
  { clicks, rowsBefore }: Slice,
  firstPosition: number,
  { name }: Column,
): ColumnSetter {
  const { batch, adKeys, outcomes, dimensionKeys } = clicks;
  switch (name) {
    case "click_timestamp":
      return (buffer, at, rows, from, count) =>
        buffer.setInt64s(at, batch.clickTimestamps, rows, from, count);
    case "ad":
      return (buffer, at, rows, from, count) => buffer.setInt32(at, adKeys, rows, from, count);
    case "event_id_kind":
      return (buffer, at, rows, from, count) =>
        buffer.setBytes(at, batch.eventIds.kinds, rows, from, count);
    case "event_id":
      return eventIdSetter(batch.eventIds);
    case "event_id_text":
      return eventIdTextSetter(batch.eventIds);
    case "outcome":
      return (buffer, at, rows, from, count) => buffer.setBytes(at, outcomes, rows, from, count);
    case "position":
      return (buffer, at, rows, from, count) =>
        buffer.setSequence(at, firstPosition + rowsBefore, rows, from, count);
    default:
      return dimensionSetter(clicks.batch.dimensions, dimensionKeys, name);
  }
}

type EventIds = Slice["clicks"]["batch"]["eventIds"];

function eventIdSetter({ kinds, words, textOffsets }: EventIds): ColumnSetter {
  return (buffer, at, rows, from, count) => {
    buffer.setUint128(at, words, rows, from, count);
    if (textOffsets.length < 2) return;
    for (let i = 0; i < count; i++) {
      if (kinds[rows ? rows[from + i]! : from + i] === EventIdKind.text) buffer.setZeros(at + i, 1);
    }
  };
}

function eventIdTextSetter({ kinds, words, textOffsets, textBytes }: EventIds): ColumnSetter {
  if (textOffsets.length < 2) return setMissing;
  return (buffer, at, rows, from, count) => {
    for (let i = 0; i < count; i++) {
      const row = rows ? rows[from + i]! : from + i;
      if (kinds[row] !== EventIdKind.text) {
        buffer.setMissing(at + i);
        continue;
      }
      const entry = words[row * 4]!;
      buffer.setString(at + i, textBytes, textOffsets[entry]!, textOffsets[entry + 1]!);
    }
  };
}

/** `name` is the column's, with the letter of its form in front. */
function dimensionSetter(
  columns: Slice["clicks"]["batch"]["dimensions"],
  dimensionKeys: ReadonlyMap<string, Int32Array>,
  name: string,
): ColumnSetter {
  const dimension = name.slice(2);
  const keys = dimensionKeys.get(dimension);
  if (name.startsWith("k_")) return keySetter(keys);
  const column = keys ? undefined : columns.find((other) => other.name === dimension)?.column;
  if (column?.type === "string" && name.startsWith("s_")) {
    return (buffer, at, rows, from, count) => buffer.setStrings(at, column, rows, from, count);
  }
  if (column?.type === "ip" && name.startsWith("i_")) {
    return (buffer, at, rows, from, count) => {
      buffer.setUint128(at, column.words, rows, from, count);
      for (let i = 0; i < count; i++) {
        if (column.present[rows ? rows[from + i]! : from + i] === 0) buffer.setMissing(at + i);
      }
    };
  }
  return setMissing;
}

function keySetter(keys: Int32Array | undefined): ColumnSetter {
  if (!keys) return (buffer, at, _rows, _from, count) => buffer.setZeros(at, count);
  return (buffer, at, rows, from, count) => buffer.setInt32(at, keys, rows, from, count);
}

function setMissing(
  buffer: ColumnBuffer,
  at: number,
  _rows: unknown,
  _from: number,
  count: number,
): void {
  buffer.setAllMissing(at, count);
}

function appendLogRecords(
  appenders: TableAppenders,
  commit: Commit,
  { daysOfRecords }: RowsByTable,
  firstPosition: number,
  sourceKeys: Map<string, number>,
): void {
  if (commit.clicks.length === 0) return;
  let position = firstPosition;
  const rows = commit.clicks.map(({ partition, offset, source, receivedAtMs, batch }, i) => {
    const first = position;
    position += batch.rowCount;
    const days = daysOfRecords[i]!;
    return [
      commit.sequence,
      partition,
      offset,
      keyOf(sourceKeys, source),
      receivedAtMs,
      first,
      batch.rowCount,
      days.first,
      days.last,
    ];
  });
  appendFixed(appenders, "log_record", rows);
}

function appendMinutes(
  appenders: TableAppenders,
  catalog: Catalog,
  part: Part,
  minutes: MinuteDeltas,
  sequence: number,
): void {
  if (minutes.rowCount === 0) return;
  const name = deltaTable(part);
  appenders.append(name, catalog.table(name).columns, (table) =>
    table.add(minutes.rowCount, undefined, ({ name: column }) => {
      switch (column) {
        case "minute":
          return keySetter(minutes.minutes);
        case "ad":
          return keySetter(minutes.adKeys);
        case "clicks":
          return keySetter(minutes.counts);
        case "restated":
          return (buffer, at, rows, from, count) =>
            buffer.setBytes(at, minutes.restated, rows, from, count);
        case "commit_sequence":
          return (buffer, at, _rows, _from, count) => buffer.fill(at, sequence, count);
        default:
          return keySetter(minutes.dimensionKeys.get(dimensionOfKey(column)));
      }
    }),
  );
}

function appendLedger(
  appenders: TableAppenders,
  commit: Commit,
  sourceKeys: Map<string, number>,
): void {
  const rows = commit.ledger.map(({ source, receivedMinute, received, outcomes }) => [
    receivedMinute,
    keyOf(sourceKeys, source),
    ...outcomeNames.map((name) => outcomes[name] ?? 0),
    0,
    received,
  ]);
  appendFixed(appenders, "ledger", rows);
}

function appendSources(
  appenders: TableAppenders,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): void {
  const grown = [...after].filter(([name]) => !before.has(name));
  appendFixed(
    appenders,
    "source",
    grown.map(([name, key]) => [key, name]),
  );
}

function keyOf(keys: Map<string, number>, name: string): number {
  let key = keys.get(name);
  if (key === undefined) {
    key = keys.size + 1;
    keys.set(name, key);
  }
  return key;
}
