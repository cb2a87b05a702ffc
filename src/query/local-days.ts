/** Dates of a time zone: what periods of billing are named by. */

import { Temporal } from "temporal-polyfill";

import { CodedError } from "../model/errors.ts";
import { parseTime } from "../model/parse-time.ts";
import { minuteMs } from "../model/time.ts";
import { isPossibleRange } from "../model/window.ts";
import type { MinuteRange } from "../model/window.ts";
import { checkTimeZone } from "./calendar.ts";

/**
 * The epoch minute of a parameter: a date (`2026-11-01`) is the beginning of that day in the zone; else RFC 3339 or epoch
 * milliseconds, which must be a whole minute. CodedError `invalid_parameter` names the parameter, or `tz`.
 */
export function parseLocalMinute(field: string, text: string, timeZone: string): number {
  checkTimeZone(timeZone);
  const minute = /^\d{4}-\d{2}-\d{2}$/.test(text)
    ? firstMinuteOf(field, text, timeZone)
    : minuteOfTime(field, text);
  // No range that begins with it would be out of the possible ones.
  if (isPossibleRange({ fromMinute: minute, toMinute: minute + 1 })) return minute;
  throw invalid(field, "must lie between 1970-01-01 and 2200-01-01");
}

/** Widened outward to whole days of the zone. */
export function wholeDays({ fromMinute, toMinute }: MinuteRange, timeZone: string): MinuteRange {
  const first = dateOf(fromMinute, timeZone);
  const last = dateOf(toMinute - 1, timeZone);
  return {
    fromMinute: startOf(first, timeZone),
    toMinute: startOf(last.add({ days: 1 }), timeZone),
  };
}

/** `2026-11-01`: the date that the zone's calendars show. */
export function localDate(minute: number, timeZone: string): string {
  return dateOf(minute, timeZone).toString();
}

function firstMinuteOf(field: string, text: string, timeZone: string): number {
  try {
    return startOf(Temporal.PlainDate.from(text, { overflow: "reject" }), timeZone);
  } catch (cause) {
    throw invalid(field, `'${text}' is no date`, cause);
  }
}

function minuteOfTime(field: string, text: string): number {
  const timeMs = /^\d{1,15}$/.test(text) ? Number(text) : parseTime(text);
  if (timeMs === undefined) {
    const forms = "a date (2026-11-01), RFC 3339 with an offset, or epoch milliseconds";
    throw invalid(field, `'${text}' is no time: ${forms}`);
  }
  if (timeMs % minuteMs !== 0) throw invalid(field, "must be a whole minute");
  return timeMs / minuteMs;
}

function dateOf(minute: number, timeZone: string): Temporal.PlainDate {
  const instant = Temporal.Instant.fromEpochMilliseconds(minute * minuteMs);
  return instant.toZonedDateTimeISO(timeZone).toPlainDate();
}

function startOf(date: Temporal.PlainDate, timeZone: string): number {
  return Math.ceil(date.toZonedDateTime({ timeZone }).epochMilliseconds / minuteMs);
}

function invalid(field: string, message: string, cause?: unknown): CodedError {
  return new CodedError("invalid_parameter", `${field}: ${message}`, { field, cause });
}
