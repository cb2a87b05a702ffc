/**
 * Gives micro-batches to the store, one after the other over all partitions. A commit that fails is given again,
 * the same effects under the same sequence, until it is in: the queue keeps what comes meanwhile.
 */

import type { Effects } from "../aggregate/effects.ts";
import type { SharedState } from "../aggregate/state.ts";
import { CodedError } from "../model/errors.ts";
import type { Commit, PartitionProgress } from "../model/commit.ts";
import type { ClickStore } from "../store/click-store.ts";
import { delay } from "./delay.ts";

const retryDelayMsMin = 50;
const retryDelayMsMax = 5_000;

export interface CommitListener {
  /** Called after each commit, in order, before anybody is told of it. */
  committed(commit: Commit, durationMs: number): void;
  /** Called at each failed try; the commit is tried again. */
  commitFailed(error: unknown, tries: number): void;
}

export class Committer {
  private readonly store: ClickStore;
  private readonly shared: SharedState;
  private readonly listener: CommitListener;
  private readonly stop: AbortSignal;
  private lastSequence: number;
  private tail: Promise<void> = Promise.resolve();

  constructor(
    store: ClickStore,
    shared: SharedState,
    lastSequence: number,
    listener: CommitListener,
    stop: AbortSignal,
  ) {
    this.store = store;
    this.shared = shared;
    this.lastSequence = lastSequence;
    this.listener = listener;
    this.stop = stop;
  }

  /** Resolves when the effects are committed; rejects only where they never can be or `stop` was given. */
  submit(effects: Effects, progress: PartitionProgress): Promise<void> {
    const commit = effects.toCommit(
      ++this.lastSequence,
      Date.now(),
      this.shared.takeGrowth(),
      progress,
    );
    this.tail = this.tail.then(() => this.commit(commit));
    return this.tail;
  }

  private async commit(commit: Commit): Promise<void> {
    const startMs = performance.now();
    for (let tries = 1; ; tries++) {
      try {
        await this.store.commit(commit);
        this.listener.committed(commit, performance.now() - startMs);
        return;
      } catch (error) {
        this.listener.commitFailed(error, tries);
        if (error instanceof CodedError && error.code === "data_corrupt") throw error;
        await delay(Math.min(retryDelayMsMin * 2 ** (tries - 1), retryDelayMsMax), this.stop);
        this.stop.throwIfAborted();
      }
    }
  }
}
