/** A thread of a campaign: runs every so many-th seed and reports each; stops at the first that fails. */

import "../runtime/older-node.ts";
import { parentPort, workerData } from "node:worker_threads";
import { anotherTrace } from "./explain-failure.ts";
import type { HistoryKind } from "./history-kinds.ts";
import { historyKinds } from "./history-kinds.ts";
import { runHistory } from "./run-history.ts";

export interface ThreadPlan {
  readonly kind: HistoryKind;
  readonly firstSeed: number;
  readonly endSeed: number;
  readonly step: number;
  readonly repeatEvery: number;
}

export interface ReportedRun {
  readonly seed: number;
  readonly failure: string | undefined;
  readonly strikes: readonly (readonly [string, number])[];
  readonly clickCount: number;
  readonly starts: number;
  readonly isRepeated: boolean;
}

const { kind, firstSeed, endSeed, step, repeatEvery } = workerData as ThreadPlan;
const port = parentPort!;

async function runSeed(seed: number): Promise<ReportedRun> {
  const history = historyKinds[kind].plan(seed);
  const { failure, traceHash, strikes, clickCount, starts } = await runHistory(history);
  const isRepeated = failure === undefined && seed % repeatEvery === 0;
  const again = isRepeated ? await runHistory(history) : undefined;
  const isSame = again === undefined || again.traceHash === traceHash;
  return {
    seed,
    failure: isSame ? failure : anotherTrace,
    strikes: [...strikes],
    clickCount,
    starts,
    isRepeated,
  };
}

for (let seed = firstSeed; seed < endSeed; seed += step) {
  const report = await runSeed(seed);
  port.postMessage(report);
  if (report.failure !== undefined) break;
}
