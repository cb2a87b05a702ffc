/** What is measured where the commits of other processes are followed. */

import { Registry } from "prom-client";
import type { Commit } from "../model/commit.ts";
import { secondsBuckets } from "./seconds-buckets.ts";
import { WeightedHistogram } from "./weighted-histogram.ts";

export class FollowMetrics {
  private readonly registry = new Registry();
  private readonly followSeconds = new WeightedHistogram({
    name: "clicktally_follow_seconds",
    help: "From the commit of a click elsewhere until this process tells of it, a click each.",
    buckets: secondsBuckets,
    register: this.registry,
  });

  /** `nowMs`: wall clock, as the time of the commit is by that of another process. */
  followed(
    { committedAtMs, ledger }: Pick<Commit, "committedAtMs" | "ledger">,
    nowMs: number,
  ): void {
    // A correction moves what was received before, by amounts that add up to nothing.
    const clicks = ledger.reduce((sum, { received }) => sum + received, 0);
    if (clicks > 0) this.followSeconds.observe(Math.max(0, nowMs - committedAtMs) / 1000, clicks);
  }

  /** In the text format of Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}
