/** What a commit becomes: a block of rows for each table. */

import type { ClickBatch, NamedColumn } from "../../model/click-batch.ts";
import { EventIdKind } from "../../model/click-batch.ts";
import type { Commit, DecidedClicks } from "../../model/commit.ts";
import { adDictionary } from "../../model/commit.ts";
import { formatIp } from "../../model/ip.ts";
import { Outcome, outcomeNames } from "../../model/outcome.ts";
import { minuteOf } from "../../model/time.ts";
import type { HistoryStart } from "../changes.ts";
import { blockOfRows, ColumnWriter } from "./column-writer.ts";
import type { Dictionaries } from "./dictionaries.ts";
import type { NativeColumn } from "./native-block.ts";
import { NativeBlock } from "./native-block.ts";
import type { Column, FactTable } from "./schema.ts";
import {
  clickColumns,
  commitColumns,
  dimensionColumn,
  factTables,
  minuteColumns,
} from "./schema.ts";

export interface CommitBlocks {
  /** By table; only tables that get rows. */
  readonly facts: ReadonlyMap<string, NativeBlock>;
  /** The row that makes all others count: the last to be written. */
  readonly mark: NativeBlock;
}

/** Without epoch and sequence: the partition first. */
type Row = readonly (number | string | null)[];

export function blocksOf(
  commit: Commit,
  epoch: number,
  dictionaries: Dictionaries,
  history: HistoryStart | undefined,
): CommitBlocks {
  const { sequence, progress, committedAtMs } = commit;
  const own = [epoch, sequence, progress.partition];
  const blockOf = (table: FactTable, rows: readonly Row[]): NativeBlock =>
    blockOfRows(
      [...commitColumns, ...factTables[table]],
      rows.map((row) => [epoch, sequence, ...row]),
    );
  const facts = new Map<string, NativeBlock>();
  for (const [table, rows] of factRows(commit, dictionaries, history))
    if (rows.length > 0) facts.set(table, blockOf(table, rows));
  const clicks = clickBlock(commit, own);
  if (clicks.rowCount > 0) facts.set("click", clicks);
  const minutes = minuteBlock(commit, own, dictionaries);
  if (minutes.rowCount > 0) facts.set("minute_count", minutes);
  const { nextOffset, watermarkMs } = progress;
  return {
    facts,
    mark: blockOf("commit_log", [[progress.partition, committedAtMs, nextOffset, watermarkMs]]),
  };
}

function factRows(
  commit: Commit,
  dictionaries: Dictionaries,
  history: HistoryStart | undefined,
): readonly [FactTable, readonly Row[]][] {
  const { partition: own } = commit.progress;
  const textOfAd = (key: number): string => textOf(commit, dictionaries, adDictionary, key) ?? "";
  return [
    [
      "dictionary",
      commit.dictionaries.flatMap(({ dictionary, firstKey, values }) =>
        values.map((value, i): Row => [own, dictionary, firstKey + i, value]),
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
  ];
}

/** Also of a key that this commit brings. */
function textOf(
  { dictionaries: growths }: Commit,
  dictionaries: Dictionaries,
  dictionary: string,
  key: number,
): string | undefined {
  const growth = growths.find(
    (own) =>
      own.dictionary === dictionary &&
      key >= own.firstKey &&
      key < own.firstKey + own.values.length,
  );
  return growth ? growth.values[key - growth.firstKey] : dictionaries.textOf(dictionary, key);
}

function clickBlock(commit: Commit, own: readonly number[]): NativeBlock {
  const names = [
    ...new Set(commit.clicks.flatMap(({ batch }) => batch.dimensions.map(({ name }) => name))),
  ];
  const writers = new Map<string, ColumnWriter>();
  for (const column of [...clickColumns, ...names.map(dimensionColumn)])
    writers.set(column.name, new ColumnWriter(column));
  const writer = (name: string): ColumnWriter => writers.get(name)!;
  let rowCount = 0;
  for (const clicks of commit.clicks) {
    rowCount += clicks.batch.rowCount;
    for (const [i, { name }] of commitColumns.entries())
      writer(name).repeat(own[i]!, clicks.batch.rowCount);
    writeRecord(clicks, writer);
    for (const name of names) {
      const dimension = clicks.batch.dimensions.find((other) => other.name === name);
      writeDimension(writer(dimensionColumn(name).name), dimension, clicks.batch);
    }
  }
  return new NativeBlock(
    rowCount,
    [...writers.values()].map((column) => column.build()),
  );
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

function minuteBlock(
  commit: Commit,
  own: readonly number[],
  dictionaries: Dictionaries,
): NativeBlock {
  const { rowCount, minutes, adKeys, counts, restated, dimensionKeys } = commit.minutes;
  const writerOf = (column: Column): ColumnWriter => new ColumnWriter(column);
  const numbers = (column: Column, values: ArrayLike<number>): NativeColumn => {
    const writer = writerOf(column);
    for (let row = 0; row < rowCount; row++) writer.number(values[row]!);
    return writer.build();
  };
  const texts = (column: Column, dictionary: string, keys: Int32Array): NativeColumn => {
    const writer = writerOf(column);
    const known: (string | null)[] = [];
    const missing = column.type === "String" ? "" : null;
    for (let row = 0; row < rowCount; row++) {
      const key = keys[row]!;
      known[key] ??=
        key === 0 ? missing : (textOf(commit, dictionaries, dictionary, key) ?? missing);
      writer.text(known[key]!);
    }
    return writer.build();
  };
  const constant = (column: Column, value: number): NativeColumn => {
    const writer = writerOf(column);
    writer.repeat(value, rowCount);
    return writer.build();
  };
  const columnAt = (name: string): Column => minuteColumns.find((other) => other.name === name)!;
  return new NativeBlock(rowCount, [
    ...commitColumns.map((column, i) => constant(column, own[i]!)),
    numbers(columnAt("minute"), minutes),
    texts(columnAt("ad_id"), adDictionary, adKeys),
    numbers(columnAt("clicks"), counts),
    numbers(columnAt("restated"), restated),
    ...[...dimensionKeys].map(([name, keys]) => texts(dimensionColumn(name), name, keys)),
  ]);
}
