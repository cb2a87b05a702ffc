import { outcomeNames } from "../../model/outcome.ts";
import type { WatcherStatus } from "../../model/log-source.ts";
import type { SelfAuditNumbers, StatusAnswer } from "../../query/query-service.ts";
import { formatTable } from "../table.ts";

/** All that the status tells, below the health strip. */
export function formatStatus(answer: StatusAnswer, strip: string): string {
  const { audit, dedup, queue_bytes: queueBytes, totals, partitions } = answer;
  const facts = [
    [
      "status",
      `${answer.status}, up ${Math.round(answer.uptime_seconds)} s, as of commit ${answer.as_of}`,
    ],
    ["watermark", answer.watermark ?? "-"],
    ["final through", answer.final_through ?? "-"],
    [
      "received",
      `${totals.received}: ${outcomeNames.map((name) => `${name} ${totals[name]}`).join(", ")}`,
    ],
    [
      "ledger",
      answer.ledger_balanced ? "balanced" : `NOT BALANCED by ${answer.ledger_imbalance} clicks`,
    ],
    ...(audit ? [["audit", formatAudit(audit)]] : []),
    ...(dedup
      ? [["ids", `${dedup.ids} in ${megabytes(dedup.bytes)} of ${megabytes(dedup.max_bytes)}`]]
      : []),
    ["store", megabytes(answer.store_bytes)],
    ...(queueBytes === undefined ? [] : [["queue", megabytes(queueBytes)]]),
    ["memory", megabytes(answer.resident_bytes)],
  ];
  const lags = partitions.map((partition) => [
    partition.partition,
    partition.next_offset,
    partition.lag_records,
    partition.lag_clicks,
    partition.lag_seconds,
    partition.watermark,
    partition.watermark_delay_seconds,
  ]);
  const columns = [
    "partition",
    "next offset",
    "lag records",
    "lag clicks",
    "lag s",
    "watermark",
    "delay s",
  ];
  const [status, ...lines] = facts.map(([name, value]) => `${name!.padEnd(14)}${value}`);
  const parts = [status, strip, lines.join("\n"), formatTable(columns, lags)];
  if (answer.watchers) parts.push(formatWatchers(answer.watchers));
  return parts.join("\n\n");
}

function formatWatchers(watchers: readonly WatcherStatus[]): string {
  const columns = [
    "logs of",
    "files",
    "lag files",
    "lag bytes",
    "clicks",
    "bad lines",
    "lost bytes",
  ];
  const rows = watchers.map((watcher) => [
    watcher.source,
    watcher.files,
    watcher.lag_files,
    watcher.lag_bytes,
    watcher.clicks,
    watcher.bad_lines,
    watcher.lost_bytes,
  ]);
  const waits = watchers.filter((watcher) => watcher.waits_for !== null);
  const lines = waits.map((watcher) => `${watcher.source} waits: ${watcher.waits_for}`);
  return [formatTable(columns, rows), ...lines].join("\n");
}

function formatAudit({
  checked_buckets,
  mismatched_buckets,
  last_run,
  mismatches,
}: SelfAuditNumbers): string {
  if (last_run === null) return "no minute checked yet";
  const found = mismatched_buckets === 0 ? "none differed" : `${mismatched_buckets} DIFFERED`;
  const standing = mismatches.map(({ minute }) => minute).join(", ");
  return (
    `${checked_buckets} minutes checked by itself, ${found}, last at ${last_run}` +
    (standing === "" ? "" : `; NOT RIGHT: ${standing}`)
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
