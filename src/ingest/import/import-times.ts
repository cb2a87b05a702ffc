/**
 * Click times as files write them:
 *
 *   2017-11-07T09:30:00.000Z, with any offset     RFC 3339
 *   1510047000000                                 epoch milliseconds
 *   2017-11-07 9:30[:00[.000]]                    local time of one zone
 *
 * A local time that came twice, when clocks went back, is taken for the earlier one; one that never came, when they
 * went forward, for as long after the jump as it lies after the jump's start (the rule of RFC 5545).
 */

import { Temporal } from "temporal-polyfill";
import { CodedError } from "../../model/errors.ts";
import { TimeParser, dateMsOf } from "../../model/parse-time.ts";
import { dayMs, hourMs, minuteMs } from "../../model/time.ts";

/** `2017-11-07 9:30` */
const localBytesMin = 15;
const epochDigitsMax = 15;

interface LocalDay {
  /** The day's local midnight as if it were UTC. */
  readonly startMs: number;
  /** What UTC is ahead of local time, all day; NaN where it changes. */
  readonly offsetMs: number;
}

export class ImportTimes {
  private readonly zone: string;
  private readonly parser = new TimeParser();
  /** By yyyymmdd; undefined where the calendar has no such day. */
  private readonly days = new Map<number, LocalDay | undefined>();
  private lastDate = -1;
  private lastDay: LocalDay | undefined;

  /** CodedError `invalid_parameter` where there is no such IANA time zone. */
  constructor(zone: string) {
    try {
      this.zone = Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone).timeZoneId;
    } catch (cause) {
      const message = `"${zone}" is no time zone; an IANA name such as Asia/Shanghai or UTC is expected`;
      throw new CodedError("invalid_parameter", message, { field: "time-zone", cause });
    }
  }

  /** Epoch ms of the time that fills `source[start .. end)`, NaN where it is none. */
  parse(source: Uint8Array, start: number, end: number): number {
    let timeMs = end - start <= epochDigitsMax ? wholeNumber(source, start, end) : Number.NaN;
    if (timeMs === timeMs) return timeMs;
    timeMs = this.parser.parse(source, start, end);
    if (timeMs === timeMs && this.parser.end === end) return timeMs;
    return this.parseLocal(source, start, end);
  }

  private parseLocal(source: Uint8Array, start: number, end: number): number {
    if (end - start < localBytesMin) return Number.NaN;
    if (source[start + 4] !== 0x2d || source[start + 7] !== 0x2d) return Number.NaN;
    if (source[start + 10] !== 0x20 && source[start + 10] !== 0x54) return Number.NaN;
    const year = wholeNumber(source, start, start + 4);
    const month = wholeNumber(source, start + 5, start + 7);
    const date = year * 10_000 + month * 100 + wholeNumber(source, start + 8, start + 10);
    const timeOfDayMs = parseTimeOfDay(source, start + 11, end);
    const day = this.dayOf(date);
    if (day === undefined || timeOfDayMs !== timeOfDayMs) return Number.NaN;
    if (day.offsetMs === day.offsetMs) return day.startMs + timeOfDayMs + day.offsetMs;
    return epochMsOf(day.startMs + timeOfDayMs, this.zone);
  }

  private dayOf(date: number): LocalDay | undefined {
    if (date === this.lastDate) return this.lastDay;
    if (date !== date) return undefined;
    let day = this.days.get(date);
    if (day === undefined && !this.days.has(date)) {
      day = localDay(date, this.zone);
      this.days.set(date, day);
    }
    this.lastDate = date;
    this.lastDay = day;
    return day;
  }
}

function localDay(date: number, zone: string): LocalDay | undefined {
  const startMs = dateMsOf(Math.floor(date / 10_000), Math.floor(date / 100) % 100, date % 100);
  if (startMs === undefined) return undefined;
  const start = Temporal.Instant.fromEpochMilliseconds(epochMsOf(startMs, zone)).toZonedDateTimeISO(
    zone,
  );
  const change = start.subtract({ hours: 4 }).getTimeZoneTransition("next");
  const isSteady =
    change === null || change.epochMilliseconds > start.epochMilliseconds + dayMs + 4 * hourMs;
  return { startMs, offsetMs: isSteady ? -start.offsetNanoseconds / 1e6 : Number.NaN };
}

/** `localMs`: the local time as if it were UTC. */
function epochMsOf(localMs: number, zone: string): number {
  const local = Temporal.Instant.fromEpochMilliseconds(localMs)
    .toZonedDateTimeISO("UTC")
    .toPlainDateTime();
  return local.toZonedDateTime(zone, { disambiguation: "compatible" }).epochMilliseconds;
}

/** `H:MM`, `HH:MM`, with seconds and a fraction, cut off to ms; NaN where it is none. */
function parseTimeOfDay(source: Uint8Array, start: number, end: number): number {
  const colon = source[start + 1] === 0x3a ? start + 1 : start + 2;
  if (source[colon] !== 0x3a) return Number.NaN;
  const hour = wholeNumber(source, start, colon);
  const minute = wholeNumber(source, colon + 1, colon + 3);
  if (!(hour <= 23 && minute <= 59)) return Number.NaN;
  const ms = hour * hourMs + minute * minuteMs;
  if (end === colon + 3) return ms;
  if (source[colon + 3] !== 0x3a || end < colon + 6) return Number.NaN;
  const second = wholeNumber(source, colon + 4, colon + 6);
  if (!(second <= 59)) return Number.NaN;
  if (end === colon + 6) return ms + second * 1000;
  const fractionEnd = Math.min(end, colon + 10);
  const fraction = wholeNumber(source, colon + 7, fractionEnd);
  if (source[colon + 6] !== 0x2e || fraction !== fraction) return Number.NaN;
  for (let at = fractionEnd; at < end; at++)
    if (source[at]! < 0x30 || source[at]! > 0x39) return Number.NaN;
  return ms + second * 1000 + fraction * 10 ** (3 - (fractionEnd - colon - 7));
}

/** The decimal digits `source[start .. end)` as a number; NaN where there are others or none. */
function wholeNumber(source: Uint8Array, start: number, end: number): number {
  if (start >= end) return Number.NaN;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = source[at]! - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
