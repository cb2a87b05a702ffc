/** What commits that go together become: a block of rows for each table. */

import type { ClickBatch, NamedColumn } from "../../model/click-batch.ts";
import { EventIdKind } from "../../model/click-batch.ts";
import type { Commit, DecidedClicks, MinuteDeltas } from "../../model/commit.ts";
import { adDictionary } from "../../model/commit.ts";
import { formatIp } from "../../model/ip.ts";
import { Outcome, outcomeNames } from "../../model/outcome.ts";
import { minuteOf } from "../../model/time.ts";
import type { HistoryStart } from "../changes.ts";
import type { CommitPart } from "../ordered/commit-part.ts";
import type { TextOf } from "../ordered/texts-of.ts";
import { blockOfRows, ColumnWriter } from "./column-writer.ts";
import type { Dictionaries } from "../ordered/dictionaries.ts";
import type { NativeColumn } from "./native-block.ts";
import { NativeBlock } from "./native-block.ts";
import { splitByDays } from "./split-days.ts";
import type { Column, FactTable } from "./schema.ts";
import {
  clickColumns,
  commitColumns,
  dimensionColumn,
  factTables,
  minuteColumns,
} from "./schema.ts";

/** Without the sequence: the partition first. */
type Row = readonly (number | string | null)[];

/** By table, only tables that get rows: an insert each, one after the other. */
export function blocksOf(
  parts: readonly CommitPart[],
  textOf: TextOf,
  dictionaries: Dictionaries,
): ReadonlyMap<string, readonly NativeBlock[]> {
  const rows = new Map<FactTable, Row[]>();
  for (const { commit, history } of parts) {
    for (const [table, own] of factRows(commit, textOf, dictionaries, history)) {
      const all = rows.get(table) ?? [];
      for (const row of own) all.push([commit.sequence, ...row]);
      rows.set(table, all);
    }
  }
  const blocks = new Map<string, NativeBlock>();
  for (const [table, own] of rows)
    if (own.length > 0)
      blocks.set(table, blockOfRows([...commitColumns, ...factTables[table]], own));
  const commits = parts.map(({ commit }) => commit);
  const clicks = clickBlock(commits);
  if (clicks.rowCount > 0) blocks.set("click", clicks);
  const minutes = minuteBlock(commits, textOf);
  if (minutes.rowCount > 0) blocks.set("minute_count", minutes);
  return new Map([...blocks].map(([table, block]) => [table, splitByDays(table, block)]));
}

function factRows(
  commit: Commit,
  textOf: TextOf,
  dictionaries: Dictionaries,
  history: HistoryStart | undefined,
): readonly [FactTable, readonly Row[]][] {
  const { partition: own, nextOffset, watermarkMs } = commit.progress;
  const textOfAd = (key: number): string => textOf(adDictionary, key) ?? "";
  return [
    [
      "dictionary",
      commit.dictionaries.flatMap(({ dictionary, values }) =>
        values.map((value, i): Row => [own, dictionary, value, i]),
      ),
    ],
    [
      "ledger",
      commit.ledger.map(({ receivedMinute, source, received, outcomes }) => [
        own,
        receivedMinute,
        source,
        received,
        ...outcomeNames.map((name) => outcomes[name] ?? 0),
      ]),
    ],
    [
      "restatement",
      commit.restatements.map((entry) => [
        entry.partition,
        entry.minute,
        textOfAd(entry.adKey),
        entry.before,
        entry.after,
        entry.revision,
        entry.reason,
        entry.offset,
        entry.receivedAtMs,
      ]),
    ],
    [
      "outcome_change",
      commit.outcomeChanges.map(
        ({ partition, offset, row, clickTimestampMs, adKey, before, after }) => [
          partition,
          offset,
          row,
          minuteOf(clickTimestampMs),
          textOfAd(adKey),
          Outcome[before],
          Outcome[after],
        ],
      ),
    ],
    [
      "closed_period",
      commit.closes.map(({ id, throughMinute, tz, partition, receivedAtMs }) => [
        partition,
        id,
        throughMinute,
        tz,
        receivedAtMs,
      ]),
    ],
    [
      "layout_change",
      commit.layoutChanges.map(({ id, partition, fromMinute, toMinute, dimensions }) => [
        partition,
        id,
        fromMinute,
        toMinute,
        JSON.stringify(dimensions),
      ]),
    ],
    [
      "operation",
      commit.operations.map(({ id, type, reason, partition, offset, receivedAtMs, result }) => [
        partition,
        id,
        type,
        reason,
        offset,
        receivedAtMs,
        JSON.stringify(result),
      ]),
    ],
    [
      "dropped_day",
      commit.droppedDays.map(({ partition, day, what, receivedDay }) => [
        partition,
        day,
        what,
        receivedDay,
      ]),
    ],
    [
      "ad_attribute",
      commit.adAttributes.flatMap((change, ordinal) =>
        Object.entries(change.attributes).map(([name, value]): Row => [
          own,
          change.ad_id,
          name,
          value,
          change.valid_from_minute,
          ordinal,
        ]),
      ),
    ],
    ["config", commit.configs.map((config) => [own, config.generation, JSON.stringify(config)])],
    [
      "erased_value",
      commit.erasures.flatMap(({ field, values }) =>
        dictionaries.names().includes(field) ? values.map((value): Row => [own, field, value]) : [],
      ),
    ],
    ["history", history ? [[own, history.id, history.startsOver ? 1 : 0]] : []],
    ["commit_log", [[own, commit.committedAtMs, nextOffset, watermarkMs]]],
  ];
}

function clickBlock(commits: readonly Commit[]): NativeBlock {
  const names = new Set(
    commits.flatMap(({ clicks }) =>
      clicks.flatMap(({ batch }) => batch.dimensions.map(({ name }) => name)),
    ),
  );
  const writers = new Map<string, ColumnWriter>();
  for (const column of [...clickColumns, ...[...names].map(dimensionColumn)])
    writers.set(column.name, new ColumnWriter(column));
  const writer = (name: string): ColumnWriter => writers.get(name)!;
  let rowCount = 0;
  for (const commit of commits) {
    for (const clicks of commit.clicks) {
      rowCount += clicks.batch.rowCount;
      for (const [i, value] of ownNumbers(commit).entries())
        writer(commitColumns[i]!.name).repeat(value, clicks.batch.rowCount);
      writeRecord(clicks, writer);
      for (const name of names) {
        const dimension = clicks.batch.dimensions.find((other) => other.name === name);
        writeDimension(writer(dimensionColumn(name).name), dimension, clicks.batch);
      }
    }
  }
  return new NativeBlock(
    rowCount,
    [...writers.values()].map((column) => column.build()),
  );
}

/** As the columns that every row has. */
function ownNumbers({ sequence, progress }: Commit): readonly number[] {
  return [sequence, progress.partition];
}

function writeRecord(clicks: DecidedClicks, writer: (name: string) => ColumnWriter): void {
  const { batch, offset, receivedAtMs, source, outcomes } = clicks;
  const { rowCount, clickTimestamps, ad, eventIds } = batch;
  writer("log_offset").repeat(offset, rowCount);
  writer("received_at").repeat(receivedAtMs, rowCount);
  writer("source").repeat(source, rowCount);
  const [rows, minutes, times, ads] = ["row", "minute", "click_timestamp", "ad_id"].map(writer);
  const [ids, idTexts] = ["event_id", "event_id_text"].map(writer);
  for (let row = 0; row < rowCount; row++) {
    rows!.number(row);
    minutes!.number(minuteOf(clickTimestamps[row]!));
    times!.number(clickTimestamps[row]!);
    const entry = ad.codes[row]! - 1;
    ads!.textBytes(ad.bytes, ad.offsets[entry]!, ad.offsets[entry + 1]!);
    if (eventIds.kinds[row] === EventIdKind.text) {
      const own = eventIds.words[row * 4]!;
      ids!.zeros(16);
      idTexts!.textBytes(
        eventIds.textBytes,
        eventIds.textOffsets[own]!,
        eventIds.textOffsets[own + 1]!,
      );
    } else {
      ids!.uint128(eventIds.words, row);
      idTexts!.zeros(1);
    }
  }
  writer("event_id_kind").uint8s(eventIds.kinds.subarray(0, rowCount));
  writer("outcome").uint8s(outcomes.subarray(0, rowCount));
}

function writeDimension(
  writer: ColumnWriter,
  dimension: NamedColumn | undefined,
  { rowCount }: ClickBatch,
): void {
  const column = dimension?.column;
  for (let row = 0; row < rowCount; row++) {
    if (column?.type === "ip") {
      writer.text(column.present[row] === 1 ? formatIp(column.words, row * 4) : null);
      continue;
    }
    const code = column?.codes[row] ?? 0;
    if (!column || code === 0) writer.text(null);
    else writer.textBytes(column.bytes, column.offsets[code - 1]!, column.offsets[code]!);
  }
}

function minuteBlock(commits: readonly Commit[], textOf: TextOf): NativeBlock {
  const columnsOf = (
    write: (writer: ColumnWriter, commit: Commit) => void,
    column: Column,
  ): NativeColumn => {
    const writer = new ColumnWriter(column);
    for (const commit of commits) write(writer, commit);
    return writer.build();
  };
  const numbers = (name: string, of: (minutes: MinuteDeltas) => ArrayLike<number>): NativeColumn =>
    columnsOf(
      (writer, { minutes }) => {
        const values = of(minutes);
        for (let row = 0; row < minutes.rowCount; row++) writer.number(values[row]!);
      },
      minuteColumns.find((other) => other.name === name)!,
    );
  const texts = (
    column: Column,
    dictionary: string,
    of: (minutes: MinuteDeltas) => Int32Array | undefined,
  ): NativeColumn => {
    const known: (string | null)[] = [];
    const missing = column.type === "String" ? "" : null;
    return columnsOf((writer, { minutes }) => {
      const keys = of(minutes);
      for (let row = 0; row < minutes.rowCount; row++) {
        const key = keys?.[row] ?? 0;
        known[key] ??= key === 0 ? missing : (textOf(dictionary, key) ?? missing);
        writer.text(known[key]!);
      }
    }, column);
  };
  const names = new Set(commits.flatMap(({ minutes }) => [...minutes.dimensionKeys.keys()]));
  const adColumn = minuteColumns.find(({ name }) => name === "ad_id")!;
  return new NativeBlock(
    commits.reduce((sum, { minutes }) => sum + minutes.rowCount, 0),
    [
      ...commitColumns.map((column, i) =>
        columnsOf(
          (writer, commit) => writer.repeat(ownNumbers(commit)[i]!, commit.minutes.rowCount),
          column,
        ),
      ),
      numbers("minute", ({ minutes }) => minutes),
      texts(adColumn, adDictionary, ({ adKeys }) => adKeys),
      numbers("clicks", ({ counts }) => counts),
      numbers("restated", ({ restated }) => restated),
      ...[...names].map((name) =>
        texts(dimensionColumn(name), name, ({ dimensionKeys }) => dimensionKeys.get(name)),
      ),
    ],
  );
}
