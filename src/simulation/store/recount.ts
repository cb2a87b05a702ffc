import { adDictionary } from "../../model/commit.ts";
import { minuteDimensions } from "../../model/dimensions.ts";
import { isCounted } from "../../model/outcome.ts";
import { configAt } from "../../model/semantic-config.ts";
import type { RecountDifference, RecountResult } from "../../store/click-store.ts";
import type { Contents } from "./tables.ts";
import { minuteOfRow, textOfKey } from "./tables.ts";

interface Cell {
  readonly minute: number;
  readonly adId: string | null;
  readonly dimensions: Readonly<Record<string, string | null>>;
  rawCount: number;
  minuteCount: number;
}

export function recountRows(
  contents: Contents,
  fromMinute: number,
  toMinute: number,
  limit: number,
): Omit<RecountResult, "asOf" | "progress"> {
  const cells = new Map<string, Cell>();
  const cellOf = (minute: number, adKey: number, value: (name: string) => string | null): Cell => {
    const adId = textOfKey(contents, adDictionary, adKey);
    const dimensions = Object.fromEntries(
      [...contents.keyed].map((name) => [name, value(name)] as const),
    );
    const key = JSON.stringify([minute, adId, dimensions]);
    let cell = cells.get(key);
    if (!cell) cells.set(key, (cell = { minute, adId, dimensions, rawCount: 0, minuteCount: 0 }));
    return cell;
  };
  for (const row of contents.raw) {
    const minute = minuteOfRow(row);
    if (!isCounted(row.outcome) || minute < fromMinute || minute >= toMinute) continue;
    const kept = keptAt(contents, minute);
    cellOf(minute, row.adKey, (name) => (kept.has(name) ? (row.dimensions[name] ?? null) : null))
      .rawCount++;
  }
  for (const { minute, adKey, dimensionKeys, count } of contents.minutes) {
    if (minute < fromMinute || minute >= toMinute) continue;
    cellOf(minute, adKey, (name) =>
      textOfKey(contents, name, dimensionKeys[name] ?? 0),
    ).minuteCount += count;
  }
  const all = [...cells.values()];
  const differences: RecountDifference[] = all.filter((c) => c.rawCount !== c.minuteCount);
  return {
    comparedRows: all.length,
    comparedClicks: all.reduce((sum, { rawCount }) => sum + rawCount, 0),
    differingRows: differences.length,
    differences: differences.slice(0, limit),
  };
}

/** The dimensions that minute rows of this minute have. */
function keptAt({ configs, keyed }: Contents, minute: number): ReadonlySet<string> {
  if (configs.length === 0) return keyed;
  const known = configs.map(({ config }) => config);
  return new Set(minuteDimensions(configAt(known, minute).dimensions).map(({ name }) => name));
}
