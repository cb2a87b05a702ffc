/** What a service exposes to Prometheus, as names and labels. */

export interface ExposedMetric {
  readonly type: string;
  /** Names of its labels, sorted; without those of histograms. */
  readonly labels: readonly string[];
}

/** By name, without the endings that histograms have. */
export function exposedMetrics(text: string): Map<string, ExposedMetric> {
  const types = new Map<string, string>();
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) types.set(name!, type!);
  const labels = new Map<string, Set<string>>([...types.keys()].map((name) => [name, new Set()]));
  for (const [, sample, inBraces = ""] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const name = types.has(sample!) ? sample! : sample!.replace(/_(?:bucket|sum|count)$/, "");
    const known = labels.get(name);
    if (!known) throw new Error(`${sample} has no type`);
    for (const [, label] of inBraces.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g))
      if (label !== "le") known.add(label!);
  }
  return new Map(
    [...types].map(([name, type]) => [name, { type, labels: [...labels.get(name)!].toSorted() }]),
  );
}

/** Of every process that counts and answers queries; what the names mean is in docs/operations.md. */
export const documentedMetrics: Readonly<Record<string, ExposedMetric>> = {
  clicktally_clicks_received_total: { type: "counter", labels: ["source"] },
  clicktally_clicks_total: { type: "counter", labels: ["outcome"] },
  clicktally_duplicate_conflicts_total: { type: "counter", labels: [] },
  clicktally_queue_lag_clicks: { type: "gauge", labels: ["partition"] },
  clicktally_queue_lag_seconds: { type: "gauge", labels: ["partition"] },
  clicktally_watermark_delay_seconds: { type: "gauge", labels: ["partition"] },
  clicktally_freshness_seconds: { type: "histogram", labels: [] },
  clicktally_ack_seconds: { type: "histogram", labels: [] },
  clicktally_query_seconds: { type: "histogram", labels: ["query", "store"] },
  clicktally_commit_seconds: { type: "histogram", labels: [] },
  clicktally_commit_clicks: { type: "histogram", labels: [] },
  clicktally_dedup_ids: { type: "gauge", labels: [] },
  clicktally_dedup_bytes: { type: "gauge", labels: [] },
  clicktally_audit_checked_buckets_total: { type: "counter", labels: [] },
  clicktally_audit_mismatched_buckets_total: { type: "counter", labels: [] },
  clicktally_audit_standing_buckets: { type: "gauge", labels: [] },
  clicktally_ledger_imbalance: { type: "gauge", labels: [] },
  clicktally_queue_bytes: { type: "gauge", labels: [] },
  clicktally_store_bytes: { type: "gauge", labels: [] },
  clicktally_watch_lag_bytes: { type: "gauge", labels: ["source"] },
  clicktally_watch_lag_files: { type: "gauge", labels: ["source"] },
  clicktally_watch_lost_bytes: { type: "gauge", labels: ["source"] },
  clicktally_watch_waiting: { type: "gauge", labels: ["source"] },
  clicktally_watch_lines_total: { type: "counter", labels: ["source"] },
  clicktally_watch_skipped_lines_total: { type: "counter", labels: ["source"] },
  clicktally_watch_bad_lines_total: { type: "counter", labels: ["source"] },
  clicktally_tracker_uncounted_total: { type: "counter", labels: [] },
  clicktally_requests_total: { type: "counter", labels: ["group", "status"] },
};
