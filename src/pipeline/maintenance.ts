/**
 * What has to happen beside the commits: final buckets are compacted, checkpoints make commits independent of the
 * log, and only then the log is trimmed.
 */

import type { Clock } from "../clock/clock.ts";
import type { Commit, PartitionProgress } from "../model/commit.ts";
import type { ClickStore } from "../store/click-store.ts";
import { Wakeup } from "./wakeup.ts";

export interface MaintenanceSettings {
  /** A checkpoint at the latest after this long … */
  readonly checkpointMsMax: number;
  /** … or this many clicks. */
  readonly checkpointClicksMax: number;
}

type Task = "compact" | "purge" | "checkpoint" | "trim";

export interface MaintenanceActions {
  /** Every bucket before this epoch minute is final in all partitions. */
  finalBeforeMinute(): number;
  /** Asks the queue to forget what the store no longer needs. */
  trim(progress: readonly PartitionProgress[]): Promise<void>;
  failed(task: Task, error: unknown): void;
}

export class Maintenance {
  private readonly clock: Clock;
  private readonly store: ClickStore;
  private readonly settings: MaintenanceSettings;
  private readonly actions: MaintenanceActions;
  private readonly wakeup: Wakeup;
  private stopping = false;
  private clicksSinceCheckpoint = 0;
  /** What came before this process may not have been trimmed either. */
  private isTrimmed = false;
  /** What was dropped before this process may be there still. */
  private isPurged = false;
  /** The log holds what somebody wants forgotten, which is not put off. */
  private isErasing = false;
  private checkpointedAtMs: number;
  private compactedBefore = -Infinity;

  constructor(
    clock: Clock,
    store: ClickStore,
    settings: MaintenanceSettings,
    actions: MaintenanceActions,
  ) {
    this.clock = clock;
    this.wakeup = new Wakeup(clock);
    this.checkpointedAtMs = clock.monotonicMs();
    this.store = store;
    this.settings = settings;
    this.actions = actions;
  }

  noteCommit(commit: Commit): void {
    this.isTrimmed = false;
    if (commit.droppedDays.length > 0) this.isPurged = false;
    if (commit.operations.some(({ type }) => type === "erase")) this.isErasing = true;
    for (const { batch } of commit.clicks) this.clicksSinceCheckpoint += batch.rowCount;
    if (
      !this.isPurged ||
      this.isCheckpointDue() ||
      this.actions.finalBeforeMinute() > this.compactedBefore
    )
      this.wakeup.ring();
  }

  stop(): void {
    this.stopping = true;
    this.wakeup.ring();
  }

  async run(): Promise<void> {
    while (!this.stopping) {
      await this.wakeup.sleep(this.settings.checkpointMsMax);
      if (this.stopping) return;
      await this.compactFinal();
      await this.purgeDropped();
      if (this.isCheckpointDue()) await this.checkpoint();
    }
  }

  /** Also the last thing before the store closes, so that the next start need not replay. */
  async checkpoint(): Promise<void> {
    this.clicksSinceCheckpoint = 0;
    this.checkpointedAtMs = this.clock.monotonicMs();
    // A commit that comes meanwhile is for the next one.
    this.isTrimmed = true;
    this.isErasing = false;
    const covered = await this.attempt("checkpoint", () => this.store.checkpoint());
    const done = covered && (await this.attempt("trim", () => this.trim(covered)));
    // A full queue takes nothing in, so that no commit would come to ask for it again.
    if (!done) this.isTrimmed = false;
  }

  private isCheckpointDue(): boolean {
    const { checkpointMsMax, checkpointClicksMax } = this.settings;
    if (this.isTrimmed) return false;
    if (this.isErasing) return true;
    if (this.clicksSinceCheckpoint >= checkpointClicksMax) return true;
    return this.clock.monotonicMs() - this.checkpointedAtMs >= checkpointMsMax;
  }

  private async trim(covered: readonly PartitionProgress[]): Promise<true> {
    await this.actions.trim(covered);
    return true;
  }

  private async compactFinal(): Promise<void> {
    const finalBefore = this.actions.finalBeforeMinute();
    if (finalBefore <= this.compactedBefore) return;
    this.compactedBefore = finalBefore;
    await this.attempt("compact", () => this.store.compact(finalBefore));
  }

  private async purgeDropped(): Promise<void> {
    if (this.isPurged) return;
    // What is dropped meanwhile is for the next turn.
    this.isPurged = true;
    const done = await this.attempt("purge", async () => {
      await this.store.purge();
      return true;
    });
    if (!done) this.isPurged = false;
  }

  /** None of these tasks may take the service down: what fails is tried again at its next turn. */
  private async attempt<T>(task: Task, run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      this.actions.failed(task, error);
      return undefined;
    }
  }
}
