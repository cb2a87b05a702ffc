import { CodedError } from "../model/errors.ts";
import { formatDate, formatMinute, minuteMs } from "../model/time.ts";
import { resolveRange } from "../model/window.ts";
import type { MinuteRange, RangeParameters, WindowEnds } from "../model/window.ts";
import type { ClickStoreReader, RecountDifference, RecountResult } from "../store/click-store.ts";
import { wholeLedger } from "./applied-commits.ts";
import { ledgerAnswer } from "./ledger-answer.ts";
import { wholeNumberParameter } from "./parameters.ts";
import type { AuditAnswer, AuditDifference, AuditRequest } from "./recount.ts";
import { rangesOf, sampleMinutes, seedEnd } from "./sample-minutes.ts";

/** Differences listed in an answer; all are counted. */
const differencesMax = 1000;
/** Each minute of a sample is a question to the store. */
const sampleMax = 10_000;

interface Sample {
  readonly count: number;
  readonly seed: number;
}

/**
 * Recounts the minute rows of a range from raw, or of a sample of its minutes, and adds up the whole ledger. Without a
 * range: of all there is; a `from` or `to` alone is completed with the end of it.
 */
export async function answerAudit(
  store: ClickStoreReader,
  request: AuditRequest,
  ends: WindowEnds,
): Promise<AuditAnswer> {
  const sample = sampleParameters(request, ends.nowMs);
  const range = await auditRange(store, request, ends);
  const { minutes, ranges } = chosenMinutes(range, sample);
  const recount = await recountAll(store, ranges);
  const ledger = await store.ledger(wholeLedger.fromMinute, wholeLedger.toMinute);
  return {
    from: range ? formatMinute(range.fromMinute) : null,
    to: range ? formatMinute(range.toMinute) : null,
    checked_minutes: minutes,
    seed: sample?.seed ?? null,
    compared_rows: recount.comparedRows,
    compared_clicks: recount.comparedClicks,
    differing_rows: recount.differingRows,
    differences: recount.differences.map(auditDifference),
    ledger_balanced: ledgerAnswer(ledger).balanced,
    days_left_out: recount.daysLeftOut.map((day) => formatDate(day)),
    as_of: recount.asOf,
  };
}

export function auditDifference(difference: RecountDifference): AuditDifference {
  const { minute, adId, dimensions, rawCount, minuteCount } = difference;
  return {
    ...dimensions,
    minute: formatMinute(minute),
    ad_id: adId,
    raw_count: rawCount,
    minute_count: minuteCount,
  };
}

/** Without a seed each call draws others. */
function sampleParameters({ sample, seed }: AuditRequest, nowMs: number): Sample | undefined {
  if (sample === undefined) {
    if (seed === undefined) return undefined;
    throw new CodedError("invalid_parameter", "seed: goes with sample only", { field: "seed" });
  }
  const bounds = { least: 1, most: sampleMax, otherwise: sampleMax };
  const seeds = { least: 0, most: seedEnd - 1, otherwise: Math.floor(nowMs) % seedEnd };
  return {
    count: wholeNumberParameter("sample", sample, bounds),
    seed: wholeNumberParameter("seed", seed, seeds),
  };
}

function chosenMinutes(
  range: MinuteRange | undefined,
  sample: Sample | undefined,
): { readonly minutes: number; readonly ranges: readonly MinuteRange[] } {
  if (!range) return { minutes: 0, ranges: [] };
  if (!sample) return { minutes: range.toMinute - range.fromMinute, ranges: [range] };
  const minutes = sampleMinutes(range, sample.count, sample.seed);
  return { minutes: minutes.length, ranges: rangesOf(minutes) };
}

/** Each range is of one snapshot; the last one's commit is told. */
async function recountAll(
  store: ClickStoreReader,
  ranges: readonly MinuteRange[],
): Promise<Omit<RecountResult, "progress">> {
  // Nothing is stored: an empty recount still tells the commit.
  const [first = { fromMinute: 0, toMinute: 0 }, ...rest] = ranges;
  let total = await store.recount(first.fromMinute, first.toMinute, differencesMax);
  for (const { fromMinute, toMinute } of rest) {
    const wanted = differencesMax - total.differences.length;
    const next = await store.recount(fromMinute, toMinute, wanted);
    total = {
      ...next,
      comparedRows: total.comparedRows + next.comparedRows,
      comparedClicks: total.comparedClicks + next.comparedClicks,
      differingRows: total.differingRows + next.differingRows,
      differences: [...total.differences, ...next.differences],
      daysLeftOut: [...new Set([...total.daysLeftOut, ...next.daysLeftOut])],
    };
  }
  return total;
}

async function auditRange(
  store: ClickStoreReader,
  parameters: RangeParameters,
  ends: WindowEnds,
): Promise<MinuteRange | undefined> {
  const { window, end, from, to } = parameters;
  if (window !== undefined || end !== undefined || (from !== undefined && to !== undefined)) {
    return resolveRange(parameters, ends);
  }
  const extent = await store.extent();
  if (!extent) return undefined;
  if (from !== undefined)
    return resolveRange({ from, to: String((extent.lastMinute + 1) * minuteMs) }, ends);
  if (to !== undefined)
    return resolveRange({ from: String(extent.firstMinute * minuteMs), to }, ends);
  return { fromMinute: extent.firstMinute, toMinute: extent.lastMinute + 1 };
}
