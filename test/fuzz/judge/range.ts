/** Which minutes the range parameters mean, by the API's description and nothing else. */

import { parseRfc3339 } from "./click.ts";

interface Range {
  readonly fromMinute: number;
  readonly toMinute: number;
}

const year2200Ms = Date.UTC(2200, 0, 1);
const minutesMax = 400n * 1440n;
const minutesOf: ReadonlyMap<string, bigint> = new Map([
  ["", 1n],
  ["m", 1n],
  ["h", 60n],
  ["d", 1440n],
  ["w", 10_080n],
]);

/** Undefined where they mean none. */
export function judgeRange(
  parameters: Readonly<Partial<Record<"window" | "end" | "from" | "to", string>>>,
  { nowMs, finalThroughMinute }: { readonly nowMs: number; readonly finalThroughMinute: number },
): Range | undefined {
  const { window, end, from, to } = parameters;
  if (window === undefined) {
    if (end !== undefined || from === undefined || to === undefined) return undefined;
    const [fromMs, toMs] = [timeOf(from), timeOf(to)];
    if (fromMs === undefined || toMs === undefined || fromMs >= toMs) return undefined;
    return within({ fromMinute: Math.floor(fromMs / 60_000), toMinute: Math.ceil(toMs / 60_000) });
  }
  if (from !== undefined || to !== undefined) return undefined;
  if (end !== undefined && end !== "final") return undefined;
  const toMinute = end === undefined ? Math.floor(nowMs / 60_000) + 1 : finalThroughMinute;
  const digits = /^[0-9]*/.exec(window)![0];
  const unit = minutesOf.get(window.slice(digits.length));
  if (digits === "" || digits.length > 9 || unit === undefined) return undefined;
  const minutes = BigInt(digits) * unit;
  if (minutes > minutesMax) return undefined;
  return within({ fromMinute: toMinute - Number(minutes), toMinute });
}

function within(range: Range): Range | undefined {
  const length = range.toMinute - range.fromMinute;
  return length > 0 && length <= minutesMax && range.fromMinute >= 0 ? range : undefined;
}

function timeOf(text: string): number | undefined {
  const isEpochMs = /^[0-9]+$/.test(text) && text.length <= 15;
  const time = isEpochMs ? Number(text) : parseRfc3339(text);
  return time !== undefined && time >= 0 && time <= year2200Ms ? time : undefined;
}
