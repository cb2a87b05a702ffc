/** Cuts a range of minutes into the minutes, hours or days of a time zone. */

import { Temporal } from "temporal-polyfill";

import { CodedError } from "../model/errors.ts";
import { minuteMs } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";

export type Granularity = "minute" | "hour" | "day";

/** Points of a series, the bound on what one answer can hold. */
const seriesPointsMax = 10_000;

const granularities: readonly Granularity[] = ["minute", "hour", "day"];
const minutesAPoint: Readonly<Record<Granularity, number>> = { minute: 1, hour: 60, day: 1440 };

/** CodedError `invalid_parameter` where it is none. */
export function parseGranularity(text: string): Granularity {
  const granularity = granularities.find((known) => known === text);
  if (granularity) return granularity;
  throw new CodedError(
    "invalid_parameter",
    `granularity: '${text}' is not one of ${granularities.join(", ")}`,
    {
      field: "granularity",
      details: { known: granularities },
    },
  );
}

/** CodedError `invalid_parameter` where it is no name of the IANA time zone database (`UTC` and links are). */
export function checkTimeZone(timeZone: string): void {
  try {
    if (!/^[A-Za-z]/.test(timeZone)) throw new RangeError("a name begins with a letter");
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timeZone);
  } catch (cause) {
    throw new CodedError(
      "invalid_parameter",
      `tz: '${timeZone}' is no IANA time zone such as Europe/Berlin`,
      {
        field: "tz",
        cause,
      },
    );
  }
}

/**
 * Epoch minutes at which the range's buckets start, ascending: first the range's own start, then every start of a
 * minute, hour or day of the zone in it. A day starts at the first instant of its date (01:00 where midnight is
 * skipped) and so lasts 23 or 25 hours when clocks change. An hour starts when the zone's clocks show a full hour,
 * and when they are changed: the hour that is shown twice gives two buckets. CodedError `range_too_large` where
 * there are more than 10,000.
 */
export function bucketStarts(
  range: MinuteRange,
  granularity: Granularity,
  timeZone: string,
): number[] {
  const pointsAtLeast = (range.toMinute - range.fromMinute) / minutesAPoint[granularity];
  if (pointsAtLeast > seriesPointsMax * 1.1) throw tooManyPoints();
  const starts = new Set([range.fromMinute]);
  if (granularity === "minute") {
    for (let minute = range.fromMinute; minute < range.toMinute; minute++) starts.add(minute);
  } else if (granularity === "hour") {
    addHourStarts(starts, range, timeZone);
  } else {
    addDayStarts(starts, range, timeZone);
  }
  if (starts.size > seriesPointsMax) throw tooManyPoints();
  return [...starts];
}

/** Between two clock changes full hours are 60 minutes apart. */
function addHourStarts(
  starts: Set<number>,
  { fromMinute, toMinute }: MinuteRange,
  timeZone: string,
): void {
  let stretch: Temporal.ZonedDateTime | null = zonedTime(fromMinute, timeZone);
  while (stretch) {
    const next: Temporal.ZonedDateTime | null = stretch.getTimeZoneTransition("next");
    const stretchStart = Math.max(fromMinute, wholeMinute(stretch.epochMilliseconds));
    const stretchEnd = next ? Math.min(toMinute, wholeMinute(next.epochMilliseconds)) : toMinute;
    starts.add(stretchStart);
    const offsetMs = stretch.offsetNanoseconds / 1_000_000;
    const shownMinute = stretchStart + offsetMs / minuteMs;
    let hourStart = stretchStart + (Math.ceil(shownMinute / 60) * 60 - shownMinute);
    for (; hourStart < stretchEnd; hourStart += 60) {
      const start = Math.ceil(hourStart - 1e-6);
      if (start < stretchEnd) starts.add(start);
    }
    stretch = next && wholeMinute(next.epochMilliseconds) < toMinute ? next : null;
  }
}

function addDayStarts(
  starts: Set<number>,
  { fromMinute, toMinute }: MinuteRange,
  timeZone: string,
): void {
  let date = zonedTime(fromMinute, timeZone).toPlainDate();
  for (;;) {
    date = date.add({ days: 1 });
    const start = wholeMinute(date.toZonedDateTime({ timeZone }).epochMilliseconds);
    if (start >= toMinute) return;
    if (start > fromMinute) starts.add(start);
  }
}

function zonedTime(minute: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(minute * minuteMs).toZonedDateTimeISO(timeZone);
}

/** Local mean times, which a few zones kept until 1972, differ from UTC by seconds: such a start moves to the next minute. */
function wholeMinute(timeMs: number): number {
  return Math.ceil(timeMs / minuteMs);
}

function tooManyPoints(): CodedError {
  return new CodedError(
    "range_too_large",
    `granularity: the range has more than ${seriesPointsMax} points; take a shorter range or a coarser granularity`,
    { field: "granularity", details: { points_max: seriesPointsMax } },
  );
}
