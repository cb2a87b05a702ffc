/** The metrics of a service: what is measured where HTTP is answered, and what the other threads tell. */

import { Counter, Histogram, Registry } from "prom-client";
import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";
import { isImport } from "../model/source.ts";
import type { WatcherStatus } from "../model/log-source.ts";
import type { StatusAnswer } from "../query/query-service.ts";
import { statusMetrics } from "./status-metrics.ts";
import { watchMetrics } from "./watch-metrics.ts";

export interface OtherMetrics {
  /** Absent where the process answers no queries, as the other. */
  readonly status?: () => Promise<StatusAnswer>;
  /** Those of the thread that answers queries, in the text format. */
  readonly engineText?: () => Promise<string>;
  /** Of log files that are followed here. */
  readonly watchers?: () => Promise<readonly WatcherStatus[]>;
}

/** Those that come after so many are told as one. */
const sourcesMax = 1_000;
/** Seconds; those of the objectives are 10 and 25 ms. */
const ackBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class ServiceMetrics {
  static readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  private readonly others: OtherMetrics;
  private readonly sources = new Set<string>();
  private readonly registry = new Registry();
  private readonly received = new Counter({
    name: "clicktally_clicks_received_total",
    help: "Clicks of bodies that were answered since the start of the process, accepted or rejected.",
    labelNames: ["source"],
    registers: [this.registry],
  });
  private readonly ackSeconds = new Histogram({
    name: "clicktally_ack_seconds",
    help: "From the last byte of a body until its accepted clicks are durable.",
    buckets: ackBuckets,
    registers: [this.registry],
  });

  private readonly requests = new Counter({
    name: "clicktally_requests_total",
    help: "Requests that were answered, by what they are about and the class of the status, 2xx to 5xx.",
    labelNames: ["group", "status"],
    registers: [this.registry],
  });

  private readonly uncounted = new Counter({
    name: "clicktally_tracker_uncounted_total",
    help: "Tracked links that were followed while their click could not be taken in (tracker.on_failure: redirect).",
    registers: [this.registry],
  });

  constructor(others: OtherMetrics) {
    this.others = others;
  }

  /** Has a body taken in, and notes how long that took. */
  async acked<Answer extends { readonly received: number }>(
    source: string,
    take: () => Promise<Answer>,
  ): Promise<Answer> {
    const startMs = performance.now();
    const answer = await take();
    this.ackSeconds.observe((performance.now() - startMs) / 1000);
    this.noteReceived(source, answer.received);
    return answer;
  }

  noteReceived(source: string, clickCount: number): void {
    this.received.inc({ source: this.labelOf(source) }, clickCount);
  }

  /** A click that went on to its target and is lost. */
  noteUncounted(): void {
    this.uncounted.inc();
  }

  /** `group`: of the API's description. `statusCode`: of HTTP. */
  noteRequest(group: string, statusCode: number): void {
    this.requests.inc({ group, status: `${Math.floor(statusCode / 100)}xx` });
  }

  /** In the text format of Prometheus; without what a service that still recovers does not know. */
  async text(): Promise<string> {
    const { engineText, status, watchers } = this.others;
    const parts = await Promise.all([
      this.registry.metrics(),
      engineText?.(),
      status?.().then(statusMetrics).catch(nothingYet),
      watchers?.().then(watchMetrics),
    ]);
    return parts.filter((part) => part !== undefined).join("\n");
  }

  /** Files are imported without end. */
  private labelOf(source: string): string {
    const name = isImport(source) ? "import" : source;
    if (this.sources.size >= sourcesMax && !this.sources.has(name)) return "other";
    this.sources.add(name);
    return name;
  }
}

/** What the status needs may not be there, or be away: all else is told the same. */
const untoldCodes: ReadonlySet<ErrorCode> = new Set([
  "not_ready",
  "queue_unavailable",
  "store_unavailable",
]);

function nothingYet(error: unknown): string {
  if (error instanceof CodedError && untoldCodes.has(error.code)) return "";
  throw error;
}
