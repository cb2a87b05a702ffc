/**
 * The watermark of one partition: the time up to which its clicks are taken to have come.
 *
 * A click moves it to min(click_timestamp, received_at) − out_of_orderness, row by row: a wrong clock ahead can't
 * pin it, for received_at bounds it. A tick, which only silence brings, moves it to received_at − idle_lag; being
 * a record of the log it can't pass clicks that are still in the queue. It never goes back.
 */

import { finalBeforeMinute } from "../model/finality.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";
import { minuteMs } from "../model/time.ts";

export class Watermark {
  private currentMs: number;
  private configs: readonly SemanticConfig[];
  private finalBefore = -Infinity;
  /** The watermark at which finalBefore may rise next; spares asking at every row. */
  private nextFinalAtMs = -Infinity;

  constructor(currentMs: number, configs: readonly SemanticConfig[]) {
    this.currentMs = currentMs;
    this.configs = configs;
    this.updateFinality();
  }

  get ms(): number {
    return this.currentMs;
  }

  /** Buckets before this epoch minute are final. */
  get finalBeforeMinute(): number {
    return this.finalBefore;
  }

  /**
   * What finalBeforeMinute becomes where the watermark reaches this. By the configurations that the partition's own
   * log has brought: others may have brought a newer one already.
   */
  finalBeforeAt(watermarkMs: number): number {
    return finalBeforeMinute(this.configs, watermarkMs);
  }

  advanceTo(watermarkMs: number): void {
    if (watermarkMs <= this.currentMs) return;
    this.currentMs = watermarkMs;
    if (watermarkMs >= this.nextFinalAtMs) this.updateFinality();
  }

  reconfigure(configs: readonly SemanticConfig[]): void {
    this.configs = configs;
    this.updateFinality();
  }

  private updateFinality(): void {
    this.finalBefore = finalBeforeMinute(this.configs, this.currentMs);
    const shortest = Math.min(...this.configs.map((config) => config.allowedLatenessMs));
    const reached = Math.floor((this.currentMs - shortest) / minuteMs);
    this.nextFinalAtMs = (reached + 1) * minuteMs + shortest;
    // Several configurations with different lateness can step in between; then ask at every move.
    if (this.configs.some((config) => config.allowedLatenessMs !== shortest))
      this.nextFinalAtMs = -Infinity;
  }
}
