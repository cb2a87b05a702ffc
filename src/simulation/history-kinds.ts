import type { History } from "./history.ts";
import { planHistory } from "./plan-history.ts";
import { planSharedHistory } from "./shared/plan-shared-history.ts";
import type { Strike } from "./world/steps.ts";
import { allStrikes, sharedStrikes } from "./world/steps.ts";

/** Of one process with a disk of its own, or of several over a topic and a database. */
export type HistoryKind = "one" | "several";

export interface HistoryPlan {
  /** A seed has one history of a kind. */
  readonly plan: (seed: number) => History;
  readonly strikes: readonly Strike[];
}

export const historyKinds: Readonly<Record<HistoryKind, HistoryPlan>> = {
  one: { plan: planHistory, strikes: allStrikes },
  several: { plan: planSharedHistory, strikes: sharedStrikes },
};
