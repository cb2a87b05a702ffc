/** Periods of whole days of a zone, as reports have them. */

import type { Range } from "./address.ts";
import { addDays, formatInstant, instantOf, localTime } from "./zone.ts";

/** Both inclusive, `2026-11-01` to `2026-11-30`. */
export interface Period {
  readonly first: string;
  readonly last: string;
}

export const presets = ["today", "yesterday", "last 7 days", "this month", "last month"] as const;
export type Preset = (typeof presets)[number];

export function presetPeriod(preset: Preset, nowMs: number, zone: string): Period {
  const today = localTime(nowMs, zone).date;
  const monthStart = `${today.slice(0, 7)}-01`;
  switch (preset) {
    case "today":
      return { first: today, last: today };
    case "yesterday":
      return { first: addDays(today, -1), last: addDays(today, -1) };
    case "last 7 days":
      return { first: addDays(today, -7), last: addDays(today, -1) };
    case "this month":
      return { first: monthStart, last: today };
    case "last month": {
      const last = addDays(monthStart, -1);
      return { first: `${last.slice(0, 7)}-01`, last };
    }
  }
}

export function rangeOfPeriod({ first, last }: Period, zone: string): Range {
  return {
    from: formatInstant(instantOf(first, "00:00", zone)),
    to: formatInstant(instantOf(addDays(last, 1), "00:00", zone)),
  };
}

/** The days that a range reaches into; of a window, those up to now. */
export function periodOfRange(range: Range, nowMs: number, zone: string): Period {
  if ("window" in range) {
    const fromMs = nowMs - windowMinutes(range.window) * 60_000;
    return { first: localTime(fromMs, zone).date, last: localTime(nowMs, zone).date };
  }
  const first = localTime(Date.parse(range.from), zone).date;
  return { first, last: localTime(Date.parse(range.to) - 1, zone).date };
}

const minutesAUnit: Readonly<Record<string, number>> = { m: 1, h: 60, d: 1440, w: 10_080 };

/** Of `15`, `15m`, `2h`, `7d`, `1w`. */
function windowMinutes(window: string): number {
  const unit = /[mhdw]$/.exec(window)?.[0] ?? "m";
  return Number.parseInt(window, 10) * minutesAUnit[unit]!;
}

export function rangeMinutes(range: Range): number {
  if ("window" in range) return windowMinutes(range.window);
  return Math.ceil((Date.parse(range.to) - Date.parse(range.from)) / 60_000);
}

/** The finest that still gives bars that can be told apart. */
export function granularityFor(minutes: number): "minute" | "hour" | "day" {
  if (minutes <= 6 * 60) return "minute";
  return minutes <= 14 * 1440 ? "hour" : "day";
}

/** How often a question about so many minutes is asked again: the longer they are, the dearer it is, and the less changes. */
export function refreshEveryMs(minutes: number): number {
  if (minutes <= 6 * 60) return 5_000;
  return minutes <= 1440 ? 20_000 : 60_000;
}

/** Of a range a sixtieth, in whole minutes: what is compared with it need not move on more often. */
function stepMinutes(minutes: number): number {
  return Math.max(1, Math.floor(minutes / 60));
}

/** The time of the same length before a range that was answered, up to one step of it. */
export function rangeBefore(
  from: string,
  to: string,
): { readonly from: string; readonly to: string } {
  const lengthMs = Date.parse(to) - Date.parse(from);
  const stepMs = stepMinutes(lengthMs / 60_000) * 60_000;
  const endMs = Math.floor(Date.parse(from) / stepMs) * stepMs;
  return { from: formatInstant(endMs - lengthMs), to: formatInstant(endMs) };
}

/** The same in whole hours, outward. */
export function wholeHours(
  from: string,
  to: string,
): { readonly from: string; readonly to: string } {
  const hourMs = 3_600_000;
  return {
    from: formatInstant(Math.floor(Date.parse(from) / hourMs) * hourMs),
    to: formatInstant(Math.ceil(Date.parse(to) / hourMs) * hourMs),
  };
}

/** Where the bucket that begins there ends; in the last one of a range, with the range. */
export function bucketEnd(
  start: string,
  granularity: "minute" | "hour" | "day",
  zone: string,
  rangeEnd: string,
): string {
  const startMs = Date.parse(start);
  const { date, time } = localTime(startMs, zone);
  const intoHourMs = Date.parse(`1970-01-01T00:${time.slice(3)}Z`);
  const endMs = {
    minute: startMs + 60_000,
    hour: startMs - intoHourMs + 3_600_000,
    day: instantOf(addDays(date, 1), "00:00", zone),
  }[granularity];
  return formatInstant(Math.min(endMs, Date.parse(rangeEnd)));
}
