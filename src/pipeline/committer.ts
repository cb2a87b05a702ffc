/**
 * Gives micro-batches to the store, one after the other over all partitions. A commit that fails is given again,
 * the same effects under the same sequence, until it is in: the queue keeps what comes meanwhile.
 */

import type { Clock } from "../clock/clock.ts";
import { pause } from "../clock/clock.ts";
import type { Effects } from "../aggregate/effects.ts";
import type { SharedState } from "../aggregate/state.ts";
import { CodedError } from "../model/errors.ts";
import type { Commit, PartitionProgress } from "../model/commit.ts";
import type { ClickStore } from "../store/click-store.ts";

/** Pauses between the tries of one commit: each is twice the one before, up to a bound. */
export interface RetryDelays {
  readonly msMin: number;
  readonly msMax: number;
}

const defaultRetryDelays: RetryDelays = { msMin: 50, msMax: 5_000 };

export interface CommitListener {
  /** Called after each commit, in order, before anybody is told of it. */
  committed(commit: Commit, durationMs: number): void;
  /** Called at each failed try; the commit is tried again. */
  commitFailed(error: unknown, tries: number): void;
}

export class Committer {
  private readonly clock: Clock;
  private readonly store: ClickStore;
  private readonly shared: SharedState;
  private readonly listener: CommitListener;
  private readonly stop: AbortSignal;
  private readonly retryDelays: RetryDelays;
  private lastSequence: number;
  private tail: Promise<void> = Promise.resolve();

  constructor(
    clock: Clock,
    store: ClickStore,
    shared: SharedState,
    lastSequence: number,
    listener: CommitListener,
    stop: AbortSignal,
    retryDelays: RetryDelays = defaultRetryDelays,
  ) {
    this.clock = clock;
    this.store = store;
    this.shared = shared;
    this.lastSequence = lastSequence;
    this.listener = listener;
    this.stop = stop;
    this.retryDelays = retryDelays;
  }

  /** Resolves when the effects are committed; rejects only where they never can be or `stop` was given. */
  submit(effects: Effects, progress: PartitionProgress): Promise<void> {
    const commit = effects.toCommit(
      ++this.lastSequence,
      this.clock.nowMs(),
      this.shared.takeGrowth(),
      this.shared.takeConfigs(),
      progress,
    );
    this.tail = this.tail.then(() => this.commit(commit));
    return this.tail;
  }

  /** Resolves when nothing is being committed any more, whatever became of it. */
  async idle(): Promise<void> {
    await this.tail.catch(() => {});
  }

  private async commit(commit: Commit): Promise<void> {
    const startMs = this.clock.monotonicMs();
    await this.commitUntilDone(commit);
    // Outside the tries: a listener that fails is a bug, which giving the commit again would hide and repeat.
    this.listener.committed(commit, this.clock.monotonicMs() - startMs);
  }

  private async commitUntilDone(commit: Commit): Promise<void> {
    const { msMin, msMax } = this.retryDelays;
    for (let tries = 1; ; tries++) {
      try {
        await this.store.commit(commit);
        return;
      } catch (error) {
        this.listener.commitFailed(error, tries);
        if (error instanceof CodedError && error.code === "data_corrupt") throw error;
        await pause(this.clock, Math.min(msMin * 2 ** (tries - 1), msMax), this.stop);
        this.stop.throwIfAborted();
      }
    }
  }
}
