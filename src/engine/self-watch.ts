/** A service that doubts its own numbers: the audit beside the queries, and what it makes of the service's health. */

import { SelfAudit } from "../audit/self-audit.ts";
import type { Clock } from "../clock/clock.ts";
import type { Health } from "../model/health.ts";
import type { QueryEngine } from "../query/query-engine.ts";
import type { ClickStoreReader } from "../store/click-store.ts";
import { HealthReport } from "./health-report.ts";

export interface SelfWatchOptions {
  readonly clock: Clock;
  readonly store: Pick<ClickStoreReader, "recount" | "extent">;
  readonly query: Pick<QueryEngine, "finalThroughMinute" | "ledgerImbalance">;
  /** Final buckets that it recounts; 0: none. */
  readonly bucketsAMinute: number;
  readonly seed: number;
  /** Told of every change; all is well before the first. */
  readonly onHealth: (health: Health) => void;
  readonly onProblem: (what: string, error?: unknown) => void;
}

export class SelfWatch implements AsyncDisposable {
  readonly audit: SelfAudit;
  private readonly health: HealthReport;

  constructor({ query, onHealth, onProblem, ...options }: SelfWatchOptions) {
    this.audit = new SelfAudit({
      ...options,
      finalThroughMinute: () => query.finalThroughMinute,
      onProblem,
      onChange: () => this.update(),
    });
    this.health = new HealthReport({
      look: () => ({
        ledgerImbalance: query.ledgerImbalance,
        mismatchedMinutes: this.audit.mismatches
          .map(({ minute }) => minute)
          .toSorted((a, b) => a - b),
      }),
      onHealth,
      onProblem,
    });
    this.health.update();
  }

  /** To be called after each commit. */
  update(): void {
    this.health.update();
  }

  /** Until stopped; never rejects. */
  run(): Promise<void> {
    return this.audit.run();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.audit[Symbol.asyncDispose]();
  }
}
