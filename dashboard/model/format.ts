/** Numbers and times as people read them. */

import { localTime } from "./zone.ts";

export { formatCount, formatDuration, formatShare } from "../../src/health/numbers.ts";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** For where there is little room: `12.4K`. */
export function formatCompact(count: number): string {
  return count < 10_000 ? whole.format(count) : compact.format(count);
}

/** With its sign: `+3`, `−2`. */
export function formatChange(change: number): string {
  return `${change < 0 ? "−" : "+"}${whole.format(Math.abs(change))}`;
}

export function formatRate(aSecond: number | null): string {
  if (aSecond === null) return "–";
  return aSecond < 100 ? oneDigit.format(aSecond) : whole.format(aSecond);
}

/** `2026-11-23 10:05`. */
export function formatMinute(time: string, zone: string): string {
  const local = localTime(Date.parse(time), zone);
  return `${local.date} ${local.time.slice(0, 5)}`;
}

/** `2026-11-23 10:05:07.123`, as exactly as it was told. */
export function formatTime(time: string, zone: string): string {
  const local = localTime(Date.parse(time), zone);
  const fraction = /\.\d+/.exec(time)?.[0] ?? "";
  return `${local.date} ${local.time}${fraction}`;
}

/** `2026-11-23 10:05 – 11:05`; the day is said twice where there are two. */
export function formatRange(from: string, to: string, zone: string): string {
  const [start, end] = [formatMinute(from, zone), formatMinute(to, zone)];
  const isOneDay = start.slice(0, 10) === end.slice(0, 10);
  return `${start} – ${isOneDay ? end.slice(11) : end}`;
}

/** The start of a bucket, as short as its length allows. */
export function formatBucket(
  start: string,
  granularity: "minute" | "hour" | "day",
  zone: string,
): string {
  const text = formatMinute(start, zone);
  return granularity === "day" ? text.slice(0, 10) : text;
}
