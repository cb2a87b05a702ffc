/** What is measured where clicks are counted: commits, how fresh they are, and what is strange about their clicks. */

import { Counter, Histogram, Registry } from "prom-client";
import type { Commit } from "../model/commit.ts";
import { secondsBuckets } from "./seconds-buckets.ts";
import { WeightedHistogram } from "./weighted-histogram.ts";

const clicksBuckets = [1, 10, 100, 1_000, 10_000, 20_000, 65_536, 131_072];

export class CommitMetrics {
  private readonly registry = new Registry();
  private readonly commitSeconds = new Histogram({
    name: "clicktally_commit_seconds",
    help: "Time the store took for a commit, with its repetitions and with what went through together with it.",
    buckets: secondsBuckets,
    registers: [this.registry],
  });
  private readonly commitClicks = new Histogram({
    name: "clicktally_commit_clicks",
    help: "Clicks in a commit.",
    buckets: clicksBuckets,
    registers: [this.registry],
  });
  private readonly freshness = new WeightedHistogram({
    name: "clicktally_freshness_seconds",
    help: "From the receipt of a click until queries see it, a click each.",
    buckets: secondsBuckets,
    register: this.registry,
  });
  private readonly duplicateConflicts = new Counter({
    name: "clicktally_duplicate_conflicts_total",
    help: "Duplicates whose minute is not that of their original in the recent tier.",
    registers: [this.registry],
  });

  /** `nowMs`: wall clock, as the time of receipt is. */
  committed({ clicks, duplicateConflicts }: Commit, durationMs: number, nowMs: number): void {
    let count = 0;
    for (const { batch, receivedAtMs } of clicks) {
      count += batch.rowCount;
      // A clock that was set back makes no click older than it is.
      this.freshness.observe(Math.max(0, nowMs - receivedAtMs) / 1000, batch.rowCount);
    }
    this.commitSeconds.observe(durationMs / 1000);
    this.commitClicks.observe(count);
    this.duplicateConflicts.inc(duplicateConflicts);
  }

  /** In the text format of Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}
