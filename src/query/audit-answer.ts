import { formatMinute } from "../model/time.ts";
import { resolveRange } from "../model/window.ts";
import type { MinuteRange, RangeParameters, WindowEnds } from "../model/window.ts";
import { minuteMs } from "../model/time.ts";
import type { ClickStoreReader } from "../store/click-store.ts";
import { wholeLedger } from "./applied-commits.ts";
import { ledgerAnswer } from "./ledger-answer.ts";
import type { AuditAnswer } from "./query-service.ts";

/** Differences listed in an answer; all are counted. */
const differencesMax = 1000;

/**
 * Recounts the minute rows of a range from raw, and adds up the whole ledger. Without a range: of all there is; a
 * `from` or `to` alone is completed with the end of it.
 */
export async function answerAudit(
  store: ClickStoreReader,
  parameters: RangeParameters,
  ends: WindowEnds,
): Promise<AuditAnswer> {
  const range = await auditRange(store, parameters, ends);
  // Nothing is stored: an empty recount still tells the commit.
  const { fromMinute, toMinute } = range ?? { fromMinute: 0, toMinute: 0 };
  const recount = await store.recount(fromMinute, toMinute, differencesMax);
  const ledger = await store.ledger(wholeLedger.fromMinute, wholeLedger.toMinute);
  return {
    from: range ? formatMinute(range.fromMinute) : null,
    to: range ? formatMinute(range.toMinute) : null,
    compared_rows: recount.comparedRows,
    compared_clicks: recount.comparedClicks,
    differing_rows: recount.differingRows,
    differences: recount.differences.map(({ minute, adId, dimensions, rawCount, minuteCount }) => ({
      ...dimensions,
      minute: formatMinute(minute),
      ad_id: adId,
      raw_count: rawCount,
      minute_count: minuteCount,
    })),
    ledger_balanced: ledgerAnswer(ledger).balanced,
    as_of: recount.asOf,
  };
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
