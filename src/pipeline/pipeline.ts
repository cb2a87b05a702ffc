/** The aggregation side of a process: every partition's runner over one store, from recovery to the last commit. */

import type { Clock } from "../clock/clock.ts";
import { PartitionState, SharedState } from "../aggregate/state.ts";
import { CodedError } from "../model/errors.ts";
import { finalBeforeMinute } from "../model/finality.ts";
import type { Commit, PartitionProgress } from "../model/commit.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";
import type { ClickQueueReader } from "../queue/click-queue.ts";
import type { ClickStore, RecoveredState } from "../store/click-store.ts";
import { CommittedRecords } from "./committed-records.ts";
import { Committer } from "./committer.ts";
import type { MaintenanceSettings } from "./maintenance.ts";
import { Maintenance } from "./maintenance.ts";
import { PartitionReads } from "./partition-reads.ts";
import { QueueOutages } from "./queue-outages.ts";
import type { RetryDelays } from "./retry.ts";
import { rebuildDedup } from "./recovery.ts";
import type { MicroBatchLimits, Reading } from "./run-partition.ts";
import { PartitionRunner } from "./run-partition.ts";

export interface PipelineOptions {
  readonly clock: Clock;
  readonly queue: ClickQueueReader;
  readonly store: ClickStore;
  readonly recovered: RecoveredState;
  /** What it counts, ascending. */
  readonly partitions: readonly number[];
  /** Key of the identity hashes. */
  readonly secret: Uint8Array;
  /** Stands in where the store knows of no configuration yet, until the log brings the first. */
  readonly placeholderConfig: SemanticConfig;
  readonly limits: MicroBatchLimits;
  readonly maintenance: MaintenanceSettings;
  /** Between the tries of a commit, and of a read; has a default. */
  readonly retryDelays?: RetryDelays;
  readonly dedupBytesMax: number;
  /** Trims the queue; the writer may live elsewhere. */
  readonly trim: (progress: readonly PartitionProgress[]) => Promise<void>;
  readonly onCommit: (commit: Commit, durationMs: number) => void;
  /** True while dedup has no room for what may still be in the queue. */
  readonly onDedupFull: (full: boolean) => void;
  readonly onProblem: (what: string, error: unknown) => void;
  /** Told of what is good to know: what was away is there again. */
  readonly onNotice?: ((what: string) => void) | undefined;
}

/** What an id takes once it is read: where it is kept exactly, and in a filter. */
const recentIdBytes = 22;
const olderIdBytes = 2;
/** Reading the ids anew is told of where it took so long. */
const toldFromMs = 1_000;
/** How long a stop waits for a commit that is being tried again. */
const stopMsMax = 5_000;

export class Pipeline implements AsyncDisposable {
  readonly shared: SharedState;
  readonly committed: CommittedRecords;
  readonly outages: QueueOutages;
  private readonly options: PipelineOptions;
  private readonly states: readonly PartitionState[];
  private readonly runners: ReadonlyMap<number, PartitionRunner>;
  private readonly committer: Committer;
  private readonly maintenance: Maintenance;
  private readonly abort = new AbortController();
  private readonly stopping = new AbortController();
  private runs: Promise<unknown> = Promise.resolve();
  private rebuilding: Promise<boolean> = Promise.resolve(false);
  private isDedupFull = false;
  private readonly committedWatermarks: Map<number, number>;

  private constructor(
    options: PipelineOptions,
    shared: SharedState,
    states: readonly PartitionState[],
  ) {
    const { clock, recovered, store, queue } = options;
    this.options = options;
    this.shared = shared;
    this.states = states;
    this.committed = new CommittedRecords(clock, recovered.progress);
    this.committedWatermarks = new Map(
      states.map(({ partition, watermark }) => [partition, watermark.ms] as const),
    );
    this.committer = new Committer(
      clock,
      store,
      shared,
      recovered.sequence,
      {
        committed: (commit, durationMs) => this.noteCommit(commit, durationMs),
        tryFailed: (what, error, tries) => options.onProblem(`${what} failed, try ${tries}`, error),
        wentThrough: (what, tries) => options.onNotice?.(`${what} went through at try ${tries}`),
      },
      this.abort.signal,
      options.retryDelays,
    );
    const { retryDelays } = options;
    const outages = new QueueOutages(options.onProblem, options.onNotice);
    this.outages = outages;
    const runnerOf = (state: PartitionState): PartitionRunner => {
      const { partition } = state;
      return new PartitionRunner(
        clock,
        state,
        this.committed.nextOffset(partition),
        queue,
        new PartitionReads({ clock, queue, partition, retryDelays, outages }),
        store,
        this.committer,
        options.limits,
      );
    };
    this.runners = new Map(states.map((state) => [state.partition, runnerOf(state)]));
    this.maintenance = new Maintenance(clock, store, options.maintenance, {
      finalBeforeMinute: () => this.finalBeforeMinute(),
      trim: options.trim,
      failed: (task, error) => options.onProblem(`${task} failed, will be tried again`, error),
    });
  }

  /** Nothing runs before `start`. Rejects with `data_corrupt` where log and store don't fit. */
  static async recover(options: PipelineOptions): Promise<Pipeline> {
    const { recovered } = options;
    const configs = recovered.configs.length > 0 ? recovered.configs : [options.placeholderConfig];
    const shared = new SharedState(options.secret, configs, recovered.dictionaries);
    const states = options.partitions.map((partition) => {
      const progress = recovered.progress.find((known) => known.partition === partition);
      const closes = recovered.closes.filter((close) => close.partition === partition);
      const closedThrough = Math.max(
        -Infinity,
        ...closes.map(({ throughMinute }) => throughMinute),
      );
      const watermarkMs = progress?.watermarkMs ?? -Infinity;
      const changes = recovered.layoutChanges.filter((change) => change.partition === partition);
      const dropped = recovered.droppedDays.filter((day) => day.partition === partition);
      return new PartitionState(partition, shared, watermarkMs, closedThrough, changes, dropped);
    });
    const pipeline = new Pipeline(options, shared, states);
    for (const runner of pipeline.runners.values()) await runner.checkBounds();
    return pipeline;
  }

  /**
   * Reads anew which clicks were recorded, then counts what is in the log. `loadBeside`: what has to be done by then too.
   * Rejects when a partition can no longer be processed; resolves when all have been stopped.
   */
  start(loadBeside?: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const rebuilt = this.prepare(loadBeside);
    this.rebuilding = rebuilt;
    const runs = [...this.runners.values()].map(async (runner) => {
      if (await rebuilt) await runner.run();
    });
    const maintained = rebuilt.then((isDone) => (isDone ? this.maintenance.run() : undefined));
    // One that fails leaves the others running: all of them have to end before the store may be closed.
    this.runs = Promise.allSettled([...runs, maintained]);
    return Promise.all(runs).then(() => {});
  }

  /** Whether it counts: once the clicks of earlier lives are known, unless it was stopped before. */
  get rebuilt(): Promise<boolean> {
    return this.rebuilding;
  }

  /** Tells that a partition's log has grown. */
  notify(partition: number): void {
    this.runners.get(partition)?.notify();
  }

  get reading(): readonly Reading[] {
    return [...this.runners.values()].map((runner) => runner.reading);
  }

  /** Ids and bytes of the dedup index. */
  get dedup(): { ids: number; bytes: number } {
    let ids = 0;
    let bytes = 0;
    for (const { dedup } of this.states) {
      ids += dedup.size;
      bytes += dedup.bytes;
    }
    return { ids, bytes };
  }

  get watermarks(): { partition: number; watermarkMs: number }[] {
    return this.states.map(({ partition, watermark }) => ({
      partition,
      watermarkMs: watermark.ms,
    }));
  }

  /** Commits what is in hand, checkpoints and stops. The store stays open. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort();
    for (const runner of this.runners.values()) runner.stop();
    this.maintenance.stop();
    // A store that is away must not hold up the stop: what is not committed is in the queue.
    const giveUp = this.options.clock.after(stopMsMax, () =>
      this.abort.abort(new CodedError("storage_failed", "stopped")),
    );
    await this.runs;
    await this.committer.idle();
    giveUp.cancel();
    await this.maintenance.checkpoint();
  }

  /** False where a stop came first. One that fails leaves the other running, and both use the store. */
  private async prepare(loadBeside?: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    const { clock, onNotice } = this.options;
    const startMs = clock.monotonicMs();
    const { signal } = this.stopping;
    const ends = await Promise.allSettled([this.rebuildDedup(), loadBeside?.(signal)]);
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    if (signal.aborted) return false;
    const ms = clock.monotonicMs() - startMs;
    if (ms >= toldFromMs)
      onNotice?.(
        `counting goes on: ${this.dedup.ids} ids were read in ${(ms / 1000).toFixed(1)} s`,
      );
    return true;
  }

  private async rebuildDedup(): Promise<void> {
    const { options, states } = this;
    const { clock, store, queue } = options;
    const { signal } = this.stopping;
    // Ingest must not take in meanwhile what there will be no room for.
    const emptyBytes = this.dedup.bytes;
    const onExpected = (recentIds: number, olderIds: number): void =>
      this.updateDedupFull(emptyBytes + recentIds * recentIdBytes + olderIds * olderIdBytes);
    const isDone = await rebuildDedup({
      clock,
      store,
      states,
      partitioning: queue,
      signal,
      onExpected,
    });
    if (isDone) this.updateDedupFull();
  }

  /** By what is committed: a bucket that the fold has made final may have clicks still to be committed. */
  private finalBeforeMinute(): number {
    const lowest = Math.min(...this.committedWatermarks.values());
    return finalBeforeMinute(this.shared.configs, lowest);
  }

  private noteCommit(commit: Commit, durationMs: number): void {
    this.committedWatermarks.set(commit.progress.partition, commit.progress.watermarkMs);
    this.options.onCommit(commit, durationMs);
    this.committed.note(commit);
    this.maintenance.noteCommit(commit);
    this.updateDedupFull();
  }

  private updateDedupFull(dedupBytes = this.dedup.bytes): void {
    const full = dedupBytes + this.shared.dictionaryBytes > this.options.dedupBytesMax;
    if (full === this.isDedupFull) return;
    this.isDedupFull = full;
    this.options.onDedupFull(full);
  }
}
