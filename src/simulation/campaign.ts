/** Many histories, spread over threads, and what came of them together. */

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { ReportedRun, ThreadPlan } from "./campaign-thread.ts";
import type { HistoryKind } from "./history-kinds.ts";
import { historyKinds } from "./history-kinds.ts";
import { strikeName } from "./world/steps.ts";

export interface CampaignOptions {
  readonly kind: HistoryKind;
  readonly firstSeed: number;
  readonly runs: number;
  readonly threads: number;
  /** Every so many histories one is run twice: the same seed must give the same trace. */
  readonly repeatEvery: number;
  readonly onRun?: (runsSoFar: number) => void;
}

export interface CampaignReport {
  readonly runs: number;
  readonly clicks: number;
  readonly clicksMedian: number;
  readonly faults: number;
  readonly faultsMedian: number;
  /** Starts of the service. */
  readonly starts: number;
  /** Histories that were run twice. */
  readonly repeated: number;
  /** By strike, how often it happened; each that can happen is there. */
  readonly strikes: ReadonlyMap<string, number>;
  /** The lowest seed that failed. */
  readonly failure: { readonly seed: number; readonly what: string } | undefined;
}

export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { kind, firstSeed, runs, threads, repeatEvery, onRun } = options;
  const reports: ReportedRun[] = [];
  const count = Math.max(1, Math.min(threads, runs));
  await Promise.all(
    Array.from({ length: count }, (_, thread) =>
      runThread(
        {
          kind,
          firstSeed: firstSeed + thread,
          endSeed: firstSeed + runs,
          step: count,
          repeatEvery,
        },
        (report) => {
          reports.push(report);
          onRun?.(reports.length);
        },
      ),
    ),
  );
  return summarize(kind, reports);
}

async function runThread(plan: ThreadPlan, report: (run: ReportedRun) => void): Promise<void> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./campaign-thread.${extension}`, import.meta.url), {
    workerData: plan,
  });
  worker.on("message", report);
  // Rejects where the thread fails: a bug of the simulator's own.
  const [code] = (await once(worker, "exit")) as [number];
  if (code !== 0) throw new Error(`a thread of the simulator ended with code ${code}`);
}

function summarize(kind: HistoryKind, reports: readonly ReportedRun[]): CampaignReport {
  const strikes = new Map(historyKinds[kind].strikes.map((strike) => [strikeName(strike), 0]));
  for (const { strikes: struck } of reports)
    for (const [name, count] of struck) strikes.set(name, strikes.get(name)! + count);
  const failed = reports
    .filter(({ failure }) => failure !== undefined)
    .toSorted((a, b) => a.seed - b.seed)[0];
  const faults = reports.map(({ strikes: struck }) => sum(struck.map(([, n]) => n)));
  const clicks = reports.map(({ clickCount }) => clickCount);
  return {
    runs: reports.length,
    clicks: sum(clicks),
    clicksMedian: median(clicks),
    faults: sum(faults),
    faultsMedian: median(faults),
    starts: sum(reports.map(({ starts }) => starts)),
    repeated: reports.filter(({ isRepeated }) => isRepeated).length,
    strikes,
    failure: failed && { seed: failed.seed, what: failed.failure! },
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
