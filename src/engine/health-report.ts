import { isDeepStrictEqual } from "node:util";
import type { Health } from "../model/health.ts";
import { soundHealth } from "../model/health.ts";

export interface HealthReportOptions {
  readonly look: () => Health;
  /** Told of every change; all is well before the first. */
  readonly onHealth: (health: Health) => void;
  readonly onProblem: (what: string, error: unknown) => void;
}

/** Tells who watches how the numbers are, when that changes. */
export class HealthReport {
  private readonly options: HealthReportOptions;
  private told: Health = soundHealth;

  constructor(options: HealthReportOptions) {
    this.options = options;
  }

  /** To be called whenever it may have changed. */
  update(): void {
    const { look, onHealth, onProblem } = this.options;
    const health = look();
    if (isDeepStrictEqual(health, this.told)) return;
    const { ledgerImbalance } = health;
    if (ledgerImbalance !== this.told.ledgerImbalance)
      onProblem(`the ledger does not balance by ${ledgerImbalance} clicks`, undefined);
    this.told = health;
    onHealth(health);
  }
}
