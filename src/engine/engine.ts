/** Pipeline and query engine put together over a queue and a store, whichever adapters those are. */

import type { Clock } from "../clock/clock.ts";
import type { Commit } from "../model/commit.ts";
import type { Health } from "../model/health.ts";
import type { MaintenanceSettings } from "../pipeline/maintenance.ts";
import type { PipelineOptions } from "../pipeline/pipeline.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import { ReachedOffsets } from "../pipeline/reached-offsets.ts";
import { QueryEngine } from "../query/query-engine.ts";
import type { ServiceNumbers } from "../query/status-answer.ts";
import type { QueryService } from "../query/query-service.ts";
import type { ClickStore } from "../store/click-store.ts";
import { auditNumbers } from "./audit-numbers.ts";
import { checkGeneration } from "./check-generation.ts";
import { CommitBell } from "./commit-bell.ts";
import { DataCopies } from "./data-copies.ts";
import { PacedTurns } from "./paced-turns.ts";
import { LagReader } from "./read-lags.ts";
import { SelfWatch } from "./self-watch.ts";
import { SharedLog } from "./shared-log.ts";

/** Queue and store are the engine's own from here on: it closes them, also where it can't start. */
export interface EngineOptions extends Pick<
  PipelineOptions,
  | "queue"
  | "secret"
  | "placeholderConfig"
  | "limits"
  | "retryDelays"
  | "dedupBytesMax"
  | "trim"
  | "onDedupFull"
  | "onProblem"
  | "onNotice"
> {
  readonly clock: Clock;
  readonly store: ClickStore;
  /** Of the settings in force: no newer ones can be in the store. */
  readonly configGeneration: number;
  /** Memory for recent minutes. */
  readonly hotBytesMax: number;
  readonly queueBytes: () => Promise<number>;
  /** Has a default. */
  readonly maintenance?: MaintenanceSettings;
  /** Final buckets that it recounts by itself; 0, the default: none. */
  readonly auditBucketsAMinute?: number;
  /** Whether others append to the log than who notifies. */
  readonly isLogShared?: boolean;
  /** Told of each commit once queries see it. */
  readonly onCommitted?: (commit: Commit, durationMs: number) => void;
  /** Told of every change; all is well before the first. */
  readonly onHealth?: (health: Health) => void;
}

export interface Engine extends AsyncDisposable {
  readonly query: QueryService;
  /** Rejects when a partition can no longer be processed. */
  readonly stopped: Promise<void>;
  /** Copies of store and queue, made beside commits. */
  readonly copies: DataCopies;
  /** Tells that a partition's log has grown. */
  notify(partition: number): void;
  /** Of a shared log: see SharedLog. Undefined where nobody else appends. */
  silent(timeMs: number): Promise<readonly number[] | undefined>;
}

/** A checkpoint bounds what a restart has to replay: some 90 bytes a click of DuckDB's log. */
export const defaultMaintenance = { checkpointMsMax: 30_000, checkpointClicksMax: 1_000_000 };

/** Recovers and begins to fold; resolves when queries can be answered. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  await using resources = new AsyncDisposableStack();
  const queue = resources.use(options.queue);
  const store = resources.use(options.store);
  const recovered = await store.recover();
  checkGeneration(recovered, options.configGeneration);
  // The query engine needs the pipeline's dictionaries, the pipeline tells it of commits: it joins in before the first.
  const commitListeners: ((commit: Commit, durationMs: number) => void)[] = [];
  const copies = new DataCopies();
  const trimmed = new ReachedOffsets(options.clock);
  const pipeline = await Pipeline.recover({
    maintenance: defaultMaintenance,
    ...options,
    recovered,
    partitions: Array.from({ length: queue.partitionCount }, (_, partition) => partition),
    trim: copies.besideCopies(async (progress) => {
      await options.trim(progress);
      for (const covered of progress) trimmed.note(covered);
    }),
    onCommit: (commit, durationMs) => {
      for (const listener of commitListeners) listener(commit, durationMs);
    },
  });
  const newer = new CommitBell(options.clock, recovered.sequence);
  const lags = new LagReader(options.clock, queue, pipeline.committed);
  const query = await QueryEngine.open({
    store,
    dictionary: pipeline.shared.view,
    recovered: { ...recovered, configs: pipeline.shared.configs },
    partitionCount: queue.partitionCount,
    clock: () => options.clock.nowMs(),
    hotBytesMax: options.hotBytesMax,
    secret: options.secret,
    serviceNumbers: () => serviceNumbers(options, pipeline, lags, watch),
    committed: pipeline.committed,
    trimmed,
    changes: { newer, turns: new PacedTurns(options.clock) },
  });
  const watch = new SelfWatch({
    clock: options.clock,
    store,
    query,
    bucketsAMinute: options.auditBucketsAMinute ?? 0,
    seed: recovered.sequence,
    onHealth: options.onHealth ?? (() => {}),
    onProblem: options.onProblem,
  });
  commitListeners.push(
    (commit) => query.apply(commit),
    // Who wakes finds the commit applied.
    (commit) => newer.ring(commit.sequence),
    () => watch.update(),
    options.onCommitted ?? (() => {}),
  );
  const turn = (): Promise<void> => options.clock.turn();
  const stopped = pipeline.start((signal) => query.loadRecent({ signal, turn }));
  // Whoever awaits `stopped` is told of a failure; it must not count as unhandled before.
  stopped.catch(() => {});
  resources.use(pipeline);
  const sharedLog = options.isLogShared
    ? resources.use(
        new SharedLog({
          clock: options.clock,
          queue,
          reading: () => pipeline.reading,
          notify: (partition) => pipeline.notify(partition),
          outages: pipeline.outages,
        }),
      )
    : undefined;
  resources.use(watch);
  void watch.run();
  resources.defer(() => copies.stop());
  const owned = resources.move();
  return {
    query,
    stopped,
    copies,
    notify: (partition) => pipeline.notify(partition),
    silent: async (timeMs) => await sharedLog?.silent(timeMs),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function serviceNumbers(
  { store, dedupBytesMax, queueBytes }: EngineOptions,
  pipeline: Pipeline,
  lags: LagReader,
  watch: SelfWatch,
): Promise<ServiceNumbers> {
  return {
    lags: await lags.read(),
    status: "ready",
    dedup: { ...pipeline.dedup, max_bytes: dedupBytesMax },
    store_bytes: await store.sizeBytes(),
    queue_bytes: await queueBytes(),
    resident_bytes: process.memoryUsage.rss(),
    uptime_seconds: process.uptime(),
    audit: auditNumbers(watch.audit),
  };
}
