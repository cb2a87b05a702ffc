import { formatMinute, formatTime } from "../model/time.ts";
import { serviceWatermarkMs } from "./finality.ts";
import type { StatusAnswer } from "./query-service.ts";
import type { QueryState } from "./query-state.ts";

/** What the service knows of itself beyond what the commits tell. */
export interface ServiceNumbers extends Pick<
  StatusAnswer,
  "status" | "dedup" | "store_bytes" | "queue_bytes" | "audit" | "resident_bytes" | "uptime_seconds"
> {
  /** Of every partition; null is not known. */
  readonly lags: readonly {
    readonly partition: number;
    readonly lag_records: number | null;
    readonly lag_clicks: number | null;
    readonly lag_seconds: number | null;
  }[];
}

export function answerStatus(
  state: QueryState,
  { lags, ...numbers }: ServiceNumbers,
  nowMs: number,
): StatusAnswer {
  const { snapshot } = state;
  const watermarkMs = serviceWatermarkMs(snapshot.progress, lags.length);
  const { finalThrough } = state.finality(snapshot);
  return {
    ...numbers,
    as_of: snapshot.asOf,
    watermark: watermarkMs === undefined ? null : formatTime(watermarkMs),
    final_through: finalThrough === undefined ? null : formatMinute(finalThrough),
    partitions: lags.map((lag) => {
      const progress = snapshot.progress.find(({ partition }) => partition === lag.partition);
      const ownMs = serviceWatermarkMs(progress ? [progress] : [], 1);
      return {
        ...lag,
        next_offset: progress?.nextOffset ?? 0,
        watermark: ownMs === undefined ? null : formatTime(ownMs),
        watermark_delay_seconds: ownMs === undefined ? null : (nowMs - ownMs) / 1000,
      };
    }),
    totals: state.applied.totals,
    ledger_balanced: state.applied.ledgerImbalance === 0,
    ledger_imbalance: state.applied.ledgerImbalance,
  };
}
