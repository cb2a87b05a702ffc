import { adDictionary } from "../../model/commit.ts";
import type { MinuteChanges } from "../../model/commit.ts";
import type { LayoutPiece } from "../../model/minute-layout.ts";
import { commonLayoutPieces } from "../../model/minute-layout.ts";
import { isCounted } from "../../model/outcome.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { RecountDifference, RecountResult, Snapshot } from "../../store/click-store.ts";
import { dayOfMinute } from "../../model/time.ts";
import { MinuteChangesBuilder } from "../../store/minute-changes-builder.ts";
import type { RecomputationQuery, RestatedRowsQuery } from "../../store/recomputation.ts";
import { isWithoutRaw } from "./retention.ts";
import type { Contents, MinuteRow } from "./tables.ts";
import { minuteOfRow, textOfKey } from "./tables.ts";

interface Cell {
  readonly minute: number;
  readonly adKey: number;
  readonly dimensions: Readonly<Record<string, string | null>>;
  rawCount: number;
  minuteCount: number;
}

export function recountRows(
  contents: Contents,
  range: MinuteRange,
  limit: number,
): Omit<RecountResult, keyof Snapshot> {
  const all = cellsOf(contents, range, layoutInForce(contents, range)).filter(
    ({ minute }) => !isWithoutRaw(contents, dayOfMinute(minute)),
  );
  const differences = all
    .filter((cell) => cell.rawCount !== cell.minuteCount)
    .map(({ adKey, ...cell }): RecountDifference =>
      Object.assign(cell, { adId: textOfKey(contents, adDictionary, adKey) }),
    );
  return {
    comparedRows: all.length,
    comparedClicks: all.reduce((sum, { rawCount }) => sum + rawCount, 0),
    differingRows: differences.length,
    differences: differences.slice(0, limit),
    daysLeftOut: daysBetween(range).filter((day) => isWithoutRaw(contents, day)),
  };
}

export function recomputation(
  contents: Contents,
  { layout, ads, partition, rowsMax, ...range }: RecomputationQuery,
): MinuteChanges | undefined {
  const names = dimensionNames(contents, layout);
  const changes = new MinuteChangesBuilder(names);
  for (const cell of cellsOf(rowsOf(contents, partition), range, layout)) {
    const { minute, adKey, dimensions, rawCount, minuteCount } = cell;
    const adId = textOfKey(contents, adDictionary, adKey) ?? undefined;
    if (rawCount === minuteCount || !ads(adKey, adId)) continue;
    const keyOf = (i: number): number => {
      const text = dimensions[names[i]!] ?? null;
      return text === null ? 0 : (contents.dictionaries.get(names[i]!)?.indexOf(text) ?? -1) + 1;
    };
    const textOf = (i: number): string | null =>
      keyOf(i) === 0 ? (dimensions[names[i]!] ?? null) : null;
    changes.add(minute, adKey, rawCount - minuteCount, keyOf, textOf);
  }
  return changes.rowCount > rowsMax ? undefined : changes.build();
}

/** Of a partition alone, where one is given. */
function rowsOf(contents: Contents, partition: number | undefined): Contents {
  if (partition === undefined) return contents;
  const isOf = (row: { readonly partition: number }): boolean => row.partition === partition;
  return { ...contents, raw: contents.raw.filter(isOf), minutes: contents.minutes.filter(isOf) };
}

export function restatedRows(
  { minutes, keyed }: Contents,
  { fromMinute, toMinute, commitSequence }: RestatedRowsQuery,
): MinuteChanges {
  const names = [...keyed];
  const changes = new MinuteChangesBuilder(names);
  const isAsked = ({ minute, restated, commit }: MinuteRow): boolean =>
    minute >= fromMinute && minute < toMinute && restated === 1 && commit === commitSequence;
  for (const { minute, adKey, dimensionKeys, count } of minutes.filter(isAsked)) {
    const keyOf = (i: number): number => dimensionKeys[names[i]!] ?? 0;
    changes.add(minute, adKey, count, keyOf, () => null);
  }
  return changes.build();
}

function cellsOf(
  contents: Contents,
  { fromMinute, toMinute }: MinuteRange,
  layout: readonly LayoutPiece[],
): Cell[] {
  const names = dimensionNames(contents, layout);
  const cells = new Map<string, Cell>();
  const cellOf = (minute: number, adKey: number, value: (name: string) => string | null): Cell => {
    const dimensions = Object.fromEntries(names.map((name) => [name, value(name)] as const));
    const key = JSON.stringify([minute, adKey, dimensions]);
    let cell = cells.get(key);
    if (!cell) cells.set(key, (cell = { minute, adKey, dimensions, rawCount: 0, minuteCount: 0 }));
    return cell;
  };
  for (const row of contents.raw) {
    const minute = minuteOfRow(row);
    if (!isCounted(row.outcome) || minute < fromMinute || minute >= toMinute) continue;
    const kept = pieceAt(layout, minute).dimensions;
    cellOf(minute, row.adKey, (name) =>
      kept.includes(name) ? (row.dimensions[name] ?? null) : null,
    ).rawCount++;
  }
  for (const { minute, adKey, dimensionKeys, count } of contents.minutes) {
    if (minute < fromMinute || minute >= toMinute) continue;
    const { mixed = [] } = pieceAt(layout, minute);
    cellOf(minute, adKey, (name) =>
      mixed.includes(name) ? null : textOfKey(contents, name, dimensionKeys[name] ?? 0),
    ).minuteCount += count;
  }
  return [...cells.values()];
}

function pieceAt(layout: readonly LayoutPiece[], minute: number): LayoutPiece {
  return layout.findLast((piece) => minute >= piece.fromMinute)!;
}

function dimensionNames({ keyed }: Contents, layout: readonly LayoutPiece[]): string[] {
  return [...new Set([...keyed, ...layout.flatMap(({ dimensions }) => dimensions)])];
}

/** Before the first configuration every key that there is counts. */
function layoutInForce(contents: Contents, range: MinuteRange): LayoutPiece[] {
  const { configs, keyed, layoutChanges, progress } = contents;
  return configs.length > 0
    ? commonLayoutPieces(
        configs.map(({ config }) => config),
        layoutChanges,
        progress.size,
        range,
      )
    : [{ ...range, dimensions: [...keyed] }];
}

function daysBetween({ fromMinute, toMinute }: MinuteRange): number[] {
  const first = dayOfMinute(fromMinute);
  return Array.from({ length: dayOfMinute(toMinute - 1) + 1 - first }, (_, i) => first + i);
}
