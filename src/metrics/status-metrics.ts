/** What the status tells, as metrics. Made anew for each scrape: what is not known is absent, and never of before. */

import { Counter, Gauge, Registry } from "prom-client";
import { outcomeNames } from "../model/outcome.ts";
import type { StatusAnswer } from "../query/query-service.ts";

type Partition = StatusAnswer["partitions"][number];

/** In the text format of Prometheus. */
export function statusMetrics(status: StatusAnswer): Promise<string> {
  const registers = [new Registry()];
  const gauge = (name: string, help: string, value: number | undefined): void => {
    if (value !== undefined) new Gauge({ name: `clicktally_${name}`, help, registers }).set(value);
  };
  const counter = (name: string, help: string, value: number | undefined): void => {
    if (value !== undefined)
      new Counter({ name: `clicktally_${name}`, help, registers }).inc(value);
  };
  const byPartition = (
    name: string,
    help: string,
    valueOf: (partition: Partition) => number | null,
  ): void => {
    const labelNames = ["partition"];
    const metric = new Gauge({ name: `clicktally_${name}`, help, labelNames, registers });
    for (const entry of status.partitions) {
      const value = valueOf(entry);
      if (value !== null) metric.set({ partition: entry.partition }, value);
    }
  };

  const outcomes = new Counter({
    name: "clicktally_clicks_total",
    help: "What became of the clicks of the ledger, which outlives the process.",
    labelNames: ["outcome"],
    registers,
  });
  for (const outcome of outcomeNames) outcomes.inc({ outcome }, status.totals[outcome]);
  byPartition("queue_lag_clicks", "Clicks that are not committed yet.", (p) => p.lag_clicks);
  byPartition(
    "queue_lag_seconds",
    "Age of the oldest record that is not committed yet.",
    (p) => p.lag_seconds,
  );
  byPartition(
    "watermark_delay_seconds",
    "How far the watermark is behind the clock; absent where there is none yet.",
    (p) => p.watermark_delay_seconds,
  );
  gauge("dedup_ids", "Ids in the index for duplicates.", status.dedup?.ids);
  gauge("dedup_bytes", "Memory of the index for duplicates.", status.dedup?.bytes);
  gauge("queue_bytes", "Size of the queue on disk.", status.queue_bytes);
  gauge("store_bytes", "Size of the store on disk.", status.store_bytes);
  gauge(
    "ledger_imbalance",
    "Clicks by which what was received is not the sum of what became of it.",
    status.ledger_imbalance,
  );
  counter(
    "audit_checked_buckets_total",
    "Final minutes that the service has recounted by itself.",
    status.audit?.checked_buckets,
  );
  counter(
    "audit_mismatched_buckets_total",
    "Of them those that were found to differ from their raw clicks.",
    status.audit?.mismatched_buckets,
  );
  gauge(
    "audit_standing_buckets",
    "Of those that were found to differ, the ones that are not right again; at most 100 are looked at.",
    status.audit?.mismatches.length,
  );
  return registers[0]!.metrics();
}
