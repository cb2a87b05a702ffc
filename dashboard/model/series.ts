/** Series of counts, as charts draw them. */

import type { FinalityStatus } from "../../src/query/query-service.ts";

export interface Bucket {
  /** Epoch seconds of its start, which is what the chart counts in. */
  readonly startSeconds: number;
  readonly count: number;
  readonly status: FinalityStatus;
}

export const stepSeconds = { minute: 60, hour: 3_600 } as const;

/**
 * Of a breakdown that leaves out what is empty: every bucket of the range, of minutes or of hours of UTC. Those that are
 * not before `finalThrough` are provisional.
 */
export function wholeSeries(
  counts: ReadonlyMap<number, number>,
  range: { readonly from: string; readonly to: string },
  step: keyof typeof stepSeconds,
  finalThrough: string | null,
): Bucket[] {
  const seconds = stepSeconds[step];
  const from = Date.parse(range.from) / 1000;
  const to = Date.parse(range.to) / 1000;
  const finalEnd = finalThrough === null ? -Infinity : Date.parse(finalThrough) / 1000;
  const buckets: Bucket[] = [];
  for (let start = from; start < to; start = (Math.floor(start / seconds) + 1) * seconds) {
    const end = Math.min(to, (Math.floor(start / seconds) + 1) * seconds);
    const status = end <= finalEnd ? "final" : "provisional";
    buckets.push({ startSeconds: start, count: counts.get(start) ?? 0, status });
  }
  return buckets;
}

/** By key of a row and start: counts of a breakdown with a granularity. */
export function countsByStart(
  rows: readonly Readonly<Record<string, string | number | null>>[],
): Map<number, number> {
  return new Map(
    rows.map((row) => [Date.parse(String(row["start"])) / 1000, Number(row["count"])]),
  );
}

/** The points of a line in a box of `width` by `height`, the highest count at its top: for a path of SVG. */
export function sparkPoints(
  counts: ReadonlyMap<number, number>,
  starts: readonly number[],
  width: number,
  height: number,
): string {
  const values = starts.map((start) => counts.get(start) ?? 0);
  const most = Math.max(1, ...values);
  const stepX = values.length > 1 ? width / (values.length - 1) : 0;
  return values
    .map((value, i) => `${round(i * stepX)},${round(height - (value / most) * height)}`)
    .join(" ");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
