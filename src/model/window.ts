/** The time range of a query, from the parameters as sent to whole minutes. */

import { clickTimestampMsEnd, clickTimestampMsMin } from "./click.ts";
import { CodedError } from "./errors.ts";
import { parseTime } from "./parse-time.ts";
import { minuteMs, minutesADay } from "./time.ts";

/** Parameters as sent; see query-service.ts. */
export interface RangeParameters {
  readonly window?: string;
  readonly end?: string;
  readonly from?: string;
  readonly to?: string;
}

/** Epoch minutes, `[fromMinute, toMinute)`, never empty. */
export interface MinuteRange {
  readonly fromMinute: number;
  readonly toMinute: number;
}

export interface WindowEnds {
  /** The current time, epoch ms. */
  readonly nowMs: number;
  /** Buckets before this epoch minute are final; undefined where none is. */
  readonly finalThroughMinute: number | undefined;
}

const rangeMinutesMax = 400 * minutesADay;

const minutesAUnit: Readonly<Record<string, number>> = {
  m: 1,
  h: 60,
  d: minutesADay,
  w: 7 * minutesADay,
};

/** CodedError `invalid_parameter` naming the parameter where they don't make a range. */
export function resolveRange(parameters: RangeParameters, ends: WindowEnds): MinuteRange {
  const { window, end, from, to } = parameters;
  if (window !== undefined) {
    if (from !== undefined) throw invalid("from", "give either window or from and to, not both");
    if (to !== undefined) throw invalid("to", "give either window or from and to, not both");
    return resolveWindow(window, end, ends);
  }
  if (end !== undefined) throw invalid("end", "end goes with window only");
  if (from === undefined && to === undefined)
    throw invalid("window", "give window, or from and to");
  if (from === undefined) throw invalid("from", "missing; to needs it");
  if (to === undefined) throw invalid("to", "missing; from needs it");
  return resolveFromTo(from, to);
}

/** True for ranges that parameters can make; for those that come from elsewhere. */
export function isPossibleRange({ fromMinute, toMinute }: MinuteRange): boolean {
  return (
    Number.isSafeInteger(fromMinute) &&
    Number.isSafeInteger(toMinute) &&
    fromMinute >= clickTimestampMsMin / minuteMs &&
    toMinute <= clickTimestampMsEnd / minuteMs &&
    fromMinute < toMinute &&
    toMinute - fromMinute <= rangeMinutesMax
  );
}

function resolveWindow(window: string, end: string | undefined, ends: WindowEnds): MinuteRange {
  const toMinute = windowEnd(end, ends);
  const length = parseWindow(window);
  if (length > toMinute) throw invalid("window", "reaches back to before 1970");
  return { fromMinute: toMinute - length, toMinute };
}

function windowEnd(end: string | undefined, { nowMs, finalThroughMinute }: WindowEnds): number {
  if (end === undefined) return Math.floor(nowMs / minuteMs) + 1;
  if (end !== "final") throw invalid("end", `'${end}' is not known; the one value is final`);
  if (finalThroughMinute === undefined) throw invalid("end", "no minute is final yet");
  return finalThroughMinute;
}

/** Minutes of `15`, `15m`, `2h`, `7d`, `1w`. */
function parseWindow(window: string): number {
  const match = /^(\d{1,9})([mhdw]?)$/.exec(window);
  if (!match) {
    throw invalid(
      "window",
      `'${window}' is no window: a whole number of minutes, or with a unit as in 15m, 2h, 7d, 1w`,
    );
  }
  const minutes = Number(match[1]) * minutesAUnit[match[2] || "m"]!;
  if (minutes === 0) throw invalid("window", "must be at least one minute");
  if (minutes > rangeMinutesMax) throw invalid("window", "must be at most 400 days");
  return minutes;
}

function resolveFromTo(from: string, to: string): MinuteRange {
  const fromMs = parseBound("from", from);
  const toMs = parseBound("to", to);
  if (toMs === fromMs) throw invalid("to", "equals from: the range is empty, for to is exclusive");
  if (toMs < fromMs) throw invalid("to", "is before from");
  const range = { fromMinute: Math.floor(fromMs / minuteMs), toMinute: Math.ceil(toMs / minuteMs) };
  if (range.toMinute - range.fromMinute > rangeMinutesMax)
    throw invalid("to", "is more than 400 days after from");
  return range;
}

/** Epoch ms. CodedError `invalid_parameter` naming the parameter where the text is no time. */
export function parseBound(parameter: string, text: string): number {
  const timeMs = /^\d{1,15}$/.test(text) ? Number(text) : parseTime(text);
  if (timeMs === undefined) {
    throw invalid(
      parameter,
      `'${text}' is no time: RFC 3339 with an offset (2017-11-07T09:30:00Z) or epoch milliseconds`,
    );
  }
  if (timeMs < clickTimestampMsMin || timeMs > clickTimestampMsEnd) {
    throw invalid(parameter, "must lie between 1970-01-01 and 2200-01-01");
  }
  return timeMs;
}

function invalid(field: string, message: string): CodedError {
  return new CodedError("invalid_parameter", `${field}: ${message}`, { field });
}
