/**
 * RFC 3339 times with an offset: `2026-11-23T10:00:00.123Z`, `2026-11-23t12:00:00+02:00`. A fraction of any length is
 * cut off to milliseconds; a leap second (`:60`) and dates that the calendar does not have are no times.
 */

import { hourMs, minuteMs } from "./time.ts";

/** Value of a decimal digit by its byte; bit 7 is set elsewhere, so that several can be checked by one OR. */
const digitValues = new Uint8Array(256).fill(0x80);
for (let i = 0; i < 10; i++) digitValues[0x30 + i] = i;

const noDigit = 0x80;

/** `2026-11-23T10:00:00Z`, the shortest. */
const timeBytesMin = 20;

/** Parses times in place. It remembers the last date, since those of clicks hardly change. */
export class TimeParser {
  /** The position after the time that `parse` found. */
  end = 0;
  private lastDate = -1;
  private lastDateMs = 0;

  /**
   * The epoch ms of the time that starts at `source[start]` and ends somewhere before `limit`; NaN where there is
   * none. Whether it fills the text is the caller's to see, by `end`.
   */
  parse(source: Uint8Array, start: number, limit: number): number {
    this.end = start;
    if (start + timeBytesMin > limit) return Number.NaN;
    const y1 = digitValues[source[start]!]!;
    const y2 = digitValues[source[start + 1]!]!;
    const y3 = digitValues[source[start + 2]!]!;
    const y4 = digitValues[source[start + 3]!]!;
    const m1 = digitValues[source[start + 5]!]!;
    const m2 = digitValues[source[start + 6]!]!;
    const d1 = digitValues[source[start + 8]!]!;
    const d2 = digitValues[source[start + 9]!]!;
    const h1 = digitValues[source[start + 11]!]!;
    const h2 = digitValues[source[start + 12]!]!;
    const n1 = digitValues[source[start + 14]!]!;
    const n2 = digitValues[source[start + 15]!]!;
    const s1 = digitValues[source[start + 17]!]!;
    const s2 = digitValues[source[start + 18]!]!;
    if ((y1 | y2 | y3 | y4 | m1 | m2 | d1 | d2 | h1 | h2 | n1 | n2 | s1 | s2) >= noDigit)
      return Number.NaN;
    // Setting bit 5 takes `T` and `t` for one.
    if (
      source[start + 4] !== 0x2d ||
      source[start + 7] !== 0x2d ||
      (source[start + 10]! | 0x20) !== 0x74 ||
      source[start + 13] !== 0x3a ||
      source[start + 16] !== 0x3a
    ) {
      return Number.NaN;
    }
    const hour = h1 * 10 + h2;
    const minute = n1 * 10 + n2;
    const second = s1 * 10 + s2;
    if (hour > 23 || minute > 59 || second > 59) return Number.NaN;
    const date =
      ((y1 * 10 + y2) * 100 + y3 * 10 + y4) * 10_000 + (m1 * 10 + m2) * 100 + d1 * 10 + d2;
    if (date !== this.lastDate && !this.turnTo(date)) return Number.NaN;
    return (
      this.lastDateMs +
      hour * hourMs +
      minute * minuteMs +
      second * 1000 +
      this.rest(source, start + 19, limit)
    );
  }

  /** The fraction less the offset, in ms. */
  private rest(source: Uint8Array, start: number, limit: number): number {
    let at = start;
    let ms = 0;
    if (source[at] === 0x2e) {
      let weight = 100;
      const digitsStart = ++at;
      for (; at < limit; at++) {
        const digit = digitValues[source[at]!]!;
        if (digit === noDigit) break;
        if (weight >= 1) ms += digit * weight;
        weight /= 10;
      }
      if (at === digitsStart) return Number.NaN;
    }
    if (at >= limit) return Number.NaN;
    const sign = source[at]!;
    if ((sign | 0x20) === 0x7a) {
      this.end = at + 1;
      return ms;
    }
    return (sign !== 0x2b && sign !== 0x2d) || at + 6 > limit
      ? Number.NaN
      : ms - this.offset(source, at);
  }

  /** `+hh:mm` or `-hh:mm` in ms. */
  private offset(source: Uint8Array, at: number): number {
    const h1 = digitValues[source[at + 1]!]!;
    const h2 = digitValues[source[at + 2]!]!;
    const m1 = digitValues[source[at + 4]!]!;
    const m2 = digitValues[source[at + 5]!]!;
    if ((h1 | h2 | m1 | m2) >= noDigit || source[at + 3] !== 0x3a) return Number.NaN;
    const hours = h1 * 10 + h2;
    const minutes = m1 * 10 + m2;
    if (hours > 23 || minutes > 59) return Number.NaN;
    this.end = at + 6;
    const offset = hours * hourMs + minutes * minuteMs;
    return source[at] === 0x2d ? -offset : offset;
  }

  /** Takes the date yyyymmdd for the last one; false where the calendar has no such day. */
  private turnTo(date: number): boolean {
    const dateMs = dateMsOf(Math.floor(date / 10_000), Math.floor(date / 100) % 100, date % 100);
    if (dateMs === undefined) return false;
    this.lastDate = date;
    this.lastDateMs = dateMs;
    return true;
  }
}

/** Epoch ms of the midnight (UTC) that starts a day; undefined where the calendar has no such day. Months from 1. */
export function dateMsOf(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.getTime() : undefined;
}

const encoder = new TextEncoder();
const sharedParser = new TimeParser();

/** Epoch ms, a whole number; undefined where the text is no such time. */
export function parseTime(text: string): number | undefined {
  const bytes = encoder.encode(text);
  const timeMs = sharedParser.parse(bytes, 0, bytes.length);
  return Number.isNaN(timeMs) || sharedParser.end !== bytes.length ? undefined : timeMs;
}
