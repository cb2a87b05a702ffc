/** What an export writes next: a day at a time, so that each file is one request. */

import { CodedError } from "../model/errors.ts";
import { minuteMs, minutesADay } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import { parseBound } from "../model/window.ts";
import { exportFormats, exportKinds } from "../store/store-exports.ts";
import type { ExportKind } from "../store/store-exports.ts";
import type { ExportPlan, ExportRequest } from "./query-service.ts";
import type { QueryState } from "./query-state.ts";

export async function planExport(
  state: QueryState,
  { what = "clicks", format, from, to }: ExportRequest,
): Promise<ExportPlan> {
  const kind = oneOf("what", what, exportKinds);
  const plan = {
    what: kind,
    format: oneOf("format", format, exportFormats),
    dimensions: state.configs.dimensionNames(kind === "clicks" ? "all" : "minute"),
  };
  const range = await rangeOf(state, kind, from, to);
  if (!range) return { ...plan, range: undefined, nextFromMinute: undefined };
  const { fromMinute, toMinute } = range;
  const dayEnd = (Math.floor(fromMinute / minutesADay) + 1) * minutesADay;
  return {
    ...plan,
    range: { fromMinute, toMinute: Math.min(dayEnd, toMinute) },
    nextFromMinute: dayEnd < toMinute ? dayEnd : undefined,
  };
}

/** As long as it is asked for: its days are written one by one. Undefined where nothing can be in it. */
async function rangeOf(
  { store, kept }: QueryState,
  kind: ExportKind,
  from: string | undefined,
  to: string | undefined,
): Promise<MinuteRange | undefined> {
  const fromMs = from === undefined ? undefined : parseBound("from", from);
  const toMs = to === undefined ? undefined : parseBound("to", to);
  if (fromMs !== undefined && toMs !== undefined && toMs <= fromMs)
    throw new CodedError("invalid_parameter", "to: is not after from", { field: "to" });
  const isOpen = fromMs === undefined || toMs === undefined;
  const extent = isOpen ? await store.extent() : undefined;
  if (isOpen && !extent) return undefined;
  const range = {
    fromMinute: fromMs === undefined ? extent!.firstMinute : Math.floor(fromMs / minuteMs),
    toMinute: toMs === undefined ? extent!.lastMinute + 1 : Math.ceil(toMs / minuteMs),
  };
  if (range.fromMinute >= range.toMinute) return undefined;
  const keptFromMinute =
    kind === "clicks" ? kept.clicksKeptFrom(range) : kept.countsKeptFrom(range);
  // Of all that there is: what is kept. Of a time that was asked for: that, or nothing.
  if (fromMs === undefined) range.fromMinute = Math.max(range.fromMinute, keptFromMinute);
  else if (kind === "clicks") kept.checkClicks(range);
  else kept.checkCounts(range);
  return range.fromMinute < range.toMinute ? range : undefined;
}

function oneOf<Value extends string>(field: string, text: string, values: readonly Value[]): Value {
  const value = values.find((known) => known === text);
  if (value !== undefined) return value;
  const what = `${field}: '${text}' is none of ${values.join(", ")}`;
  throw new CodedError("invalid_parameter", what, { field });
}
