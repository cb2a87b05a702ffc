/** What is measured where queries are answered. */

import { Histogram, Registry } from "prom-client";
import type { QueryService } from "../query/query-service.ts";
import { secondsBuckets } from "./seconds-buckets.ts";

/** Not asked by anybody who wants to know a number. */
const notTimed: ReadonlySet<string> = new Set<keyof QueryService>([
  "status",
  "committed",
  "outcomes",
]);

export class QueryMetrics {
  private readonly registry = new Registry();
  private readonly storeKind: string;
  private readonly querySeconds = new Histogram({
    name: "clicktally_query_seconds",
    help: "Time of queries that were answered, in the engine.",
    labelNames: ["query", "store"],
    buckets: secondsBuckets,
    registers: [this.registry],
  });

  /** `storeKind`: the store that answers queries. */
  constructor(storeKind: string) {
    this.storeKind = storeKind;
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
