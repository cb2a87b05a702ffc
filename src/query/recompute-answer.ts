/** What a recompute would change, what it is asked with, and what came of it. */

import type { Bucket } from "../model/bucket.ts";
import { bucketKey } from "../model/bucket.ts";
import { adDictionary } from "../model/commit.ts";
import { CodedError } from "../model/errors.ts";
import { outcomeAgainst, outcomeByPolicy } from "../model/late-policy.ts";
import { bucketChanges } from "../model/minute-changes.ts";
import { recomputeClicksMax, recomputeRowsMax, refusalOf } from "../model/recompute.ts";
import type { RecomputeRefusal } from "../model/recompute.ts";
import type { LatePolicy } from "../model/semantic-config.ts";
import { formatMinute, minuteOf } from "../model/time.ts";
import { compareUtf8 } from "../model/utf8-order.ts";
import type { MinuteRange, WindowEnds } from "../model/window.ts";
import { resolveRange } from "../model/window.ts";
import type { RecordedOperation } from "../store/click-store.ts";
import type {
  BucketDifference,
  RecomputeAnswer,
  RecomputeRequest,
  RecountPlan,
} from "./recount.ts";
import type { QueryState } from "./query-state.ts";

/** Differences listed in an answer; all are counted. */
const differencesMax = 1_000;
const reasonBytesMax = 1_000;
const lastOne = "last";

/** Changes nothing. Clicks that are corrected in the meantime may be missing from it. */
export async function previewRecompute(
  state: QueryState,
  ends: WindowEnds,
  request: RecomputeRequest,
): Promise<RecomputeAnswer> {
  const { range, late } = readRecompute(state, request, ends);
  const { asOf } = state.snapshot;
  const changes = await state.store.recomputation({
    ...range,
    layout: state.configs.layoutToBe(range),
    ads: () => true,
    rowsMax: recomputeRowsMax,
  });
  if (!changes) throw refused("too_large");
  const sums = new Map(
    bucketChanges(changes).map((sum) => [bucketKey(sum.minute, sum.adKey), sum] as const),
  );
  let clicks = 0;
  for (const { minute, adKey } of late === null ? [] : await lateClicks(state, range, late)) {
    const key = bucketKey(minute, adKey);
    const change = (sums.get(key)?.change ?? 0) + (late === "restate" ? 1 : -1);
    sums.set(key, { minute, adKey, change });
    clicks++;
  }
  const changed = [...sums.values()].filter(({ change }) => change !== 0);
  return {
    action: "preview",
    id: null,
    ...formatted(range),
    rows: changes.rowCount,
    buckets: changed.length,
    clicks,
    change: changed.reduce((sum, { change }) => sum + change, 0),
    differences: await differencesOf(state, changed),
    as_of: asOf,
  };
}

/** Rejects where it would be refused already now. */
export async function planRecount(
  state: QueryState,
  ends: WindowEnds,
  request: RecomputeRequest,
): Promise<RecountPlan> {
  const reason = readReason(request.reason);
  if (request.rollback !== undefined)
    return { type: "rollback", reason, recompute_id: await recomputeToUndo(state, request) };
  const { range, late } = readRecompute(state, request, ends);
  const { fromMinute: from_minute, toMinute: to_minute } = range;
  return { type: "recompute", reason, from_minute, to_minute, late };
}

export async function answerRecomputed(state: QueryState, id: string): Promise<RecomputeAnswer> {
  const parts = await state.store.operation(id);
  const applied = parts.filter(({ result }) => result["applied"] === 1);
  const [first] = applied;
  if (!first) throw refused(refusalIn(parts), id);
  if (applied.length < parts.length) {
    const why = "some partitions have refused it; the others have applied it";
    throw new CodedError("range_too_large", `${why} as ${id}: do it day by day`, {
      field: "from",
      details: { id },
    });
  }
  const sum = (name: string): number =>
    applied.reduce((total, { result }) => total + (result[name] ?? 0), 0);
  return {
    action: first.type === "rollback" ? "rollback" : "recompute",
    id,
    ...formatted({
      fromMinute: first.result["from_minute"]!,
      toMinute: first.result["to_minute"]!,
    }),
    rows: sum("rows"),
    buckets: sum("buckets"),
    clicks: sum("clicks"),
    change: sum("change"),
    differences: [],
    as_of: Math.max(...applied.map(({ asOf }) => asOf)),
  };
}

function readRecompute(
  { kept }: QueryState,
  request: RecomputeRequest,
  ends: WindowEnds,
): { readonly range: MinuteRange; readonly late: LatePolicy | null } {
  const range = resolveRange(request, ends);
  const { late = null } = request;
  if (late !== null && late !== "restate" && late !== "quarantine") {
    throw new CodedError("invalid_parameter", "late: must be restate or quarantine", {
      field: "late",
    });
  }
  const finalBeforeMinute = ends.finalThroughMinute ?? -Infinity;
  const refusal = refusalOf(range, {
    finalBeforeMinute,
    rawFromMinute: kept.clicksKeptFrom(range),
  });
  if (refusal) throw refused(refusal);
  return { range, late };
}

function readReason(reason: string | undefined): string {
  const bytes = Buffer.byteLength(reason ?? "");
  if (reason !== undefined && bytes > 0 && bytes <= reasonBytesMax) return reason;
  throw new CodedError("invalid_parameter", `reason: must have 1 to ${reasonBytesMax} bytes`, {
    field: "reason",
  });
}

async function recomputeToUndo(
  { store }: QueryState,
  { rollback: wanted, ...request }: RecomputeRequest,
): Promise<string> {
  for (const field of ["from", "to", "window", "end", "late"] as const) {
    if (request[field] === undefined) continue;
    const problem = `${field}: does not go with rollback, which undoes the whole of a recompute`;
    throw new CodedError("invalid_parameter", problem, { field });
  }
  const last = await store.lastRecompute();
  if (last?.type === "recompute" && (wanted === lastOne || wanted === last.id)) return last.id;
  throw refused("none_to_undo");
}

function refused(refusal: RecomputeRefusal, id?: string): CodedError {
  const [code, field, problem] = refusals[refusal];
  return new CodedError(code, `${field}: ${problem}`, {
    field,
    ...(id !== undefined && { details: { id } }),
  });
}

const refusals = {
  not_final: ["range_provisional", "to", "only minutes that are final can be counted anew"],
  raw_dropped: ["outside_retention", "from", "the raw clicks of these minutes are not all kept"],
  too_large: [
    "range_too_large",
    "to",
    `more than ${recomputeRowsMax} minute rows or ${recomputeClicksMax} clicks are concerned: take a shorter range, a day or an hour`,
  ],
  none_to_undo: ["not_found", "rollback", "this is not the last recompute that was applied"],
} as const;

function refusalIn(parts: readonly RecordedOperation[]): RecomputeRefusal {
  const names = Object.keys(refusals) as RecomputeRefusal[];
  return names.find((name) => parts.some(({ result }) => result[name] === 1)) ?? "none_to_undo";
}

async function lateClicks(
  { store, partitionCount }: QueryState,
  range: MinuteRange,
  late: LatePolicy,
): Promise<Bucket[]> {
  const found: Bucket[] = [];
  for (let partition = 0; partition < partitionCount; partition++) {
    const limit = recomputeClicksMax + 1;
    const outcomes = [outcomeAgainst(late)];
    const clicks = await store.recordedClicks({ partition, range, outcomes, limit });
    if (clicks.length === limit) throw refused("too_large");
    for (const click of clicks) {
      if (outcomeByPolicy(click, late) === click.outcome) continue;
      found.push({ minute: minuteOf(click.clickTimestampMs), adKey: click.adKey });
    }
  }
  return found;
}

async function differencesOf(
  { store, dictionary }: QueryState,
  changed: readonly (Bucket & { readonly change: number })[],
): Promise<BucketDifference[]> {
  const listed = changed
    .map((bucket) =>
      Object.assign({ adId: dictionary.text(adDictionary, bucket.adKey) ?? "" }, bucket),
    )
    .sort((a, b) => a.minute - b.minute || compareUtf8(a.adId, b.adId))
    .slice(0, differencesMax);
  const states = await store.bucketStates(listed);
  return listed.map(({ minute, adId, change }, i) => ({
    minute: formatMinute(minute),
    ad_id: adId,
    before: states[i]!.count,
    after: states[i]!.count + change,
  }));
}

function formatted({ fromMinute, toMinute }: MinuteRange): { from: string; to: string } {
  return { from: formatMinute(fromMinute), to: formatMinute(toMinute) };
}
