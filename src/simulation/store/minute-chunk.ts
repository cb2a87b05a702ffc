import type { MinuteChunk } from "../../store/click-store.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { Visibility } from "../../store/visibility.ts";
import { lastSeenAt } from "../../store/visibility.ts";
import type { Contents } from "./tables.ts";

/** The minute rows of a range that may be seen; undefined where there are none. */
export function minuteChunk(
  { minutes, keyed }: Contents,
  { fromMinute, toMinute }: MinuteRange,
  visibility: Visibility | undefined,
): MinuteChunk | undefined {
  const rows = minutes.filter(
    ({ minute, partition, commit }) =>
      minute >= fromMinute &&
      minute < toMinute &&
      commit <= lastSeenAt(visibility, minute, partition),
  );
  if (rows.length === 0) return undefined;
  return {
    rowCount: rows.length,
    minutes: Int32Array.from(rows, ({ minute }) => minute),
    adKeys: Int32Array.from(rows, ({ adKey }) => adKey),
    dimensionKeys: new Map(
      [...keyed].map((name) => [
        name,
        Int32Array.from(rows, ({ dimensionKeys }) => dimensionKeys[name] ?? 0),
      ]),
    ),
    counts: Int32Array.from(rows, ({ count }) => count),
  };
}
