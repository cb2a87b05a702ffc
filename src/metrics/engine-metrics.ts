/** What is measured in the engine's thread: commits, how fresh they are, and queries. */

import { Histogram, Registry } from "prom-client";
import type { Commit } from "../model/commit.ts";
import type { QueryService } from "../query/query-service.ts";
import { WeightedHistogram } from "./weighted-histogram.ts";

/** Seconds, with those of the objectives among them: 10 and 25 ms, 250 ms, 1 and 2 s. */
const secondsBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60,
];
const clicksBuckets = [1, 10, 100, 1_000, 10_000, 20_000, 65_536, 131_072];

/** Not asked by anybody who wants to know a number. */
const notTimed: ReadonlySet<string> = new Set<keyof QueryService>([
  "status",
  "committed",
  "outcomes",
]);

export class EngineMetrics {
  private readonly registry = new Registry();
  private readonly storeKind: string;
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
  private readonly querySeconds = new Histogram({
    name: "clicktally_query_seconds",
    help: "Time of queries that were answered, in the engine.",
    labelNames: ["query", "store"],
    buckets: secondsBuckets,
    registers: [this.registry],
  });
  private readonly freshness = new WeightedHistogram({
    name: "clicktally_freshness_seconds",
    help: "From the receipt of a click until queries see it, a click each.",
    buckets: secondsBuckets,
    register: this.registry,
  });

  /** `storeKind`: the store that answers queries. */
  constructor(storeKind: string) {
    this.storeKind = storeKind;
  }

  /** `nowMs`: wall clock, as the time of receipt is. */
  committed({ clicks }: Commit, durationMs: number, nowMs: number): void {
    let count = 0;
    for (const { batch, receivedAtMs } of clicks) {
      count += batch.rowCount;
      // A clock that was set back makes no click older than it is.
      this.freshness.observe(Math.max(0, nowMs - receivedAtMs) / 1000, batch.rowCount);
    }
    this.commitSeconds.observe(durationMs / 1000);
    this.commitClicks.observe(count);
  }

  /** Does it, and notes how long it took. */
  async timed<T>(query: string, ask: () => Promise<T>): Promise<T> {
    if (notTimed.has(query)) return await ask();
    const startMs = performance.now();
    const answer = await ask();
    const seconds = (performance.now() - startMs) / 1000;
    this.querySeconds.observe({ query, store: this.storeKind }, seconds);
    return answer;
  }

  /** In the text format of Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}
