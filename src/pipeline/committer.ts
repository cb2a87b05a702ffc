/**
 * Gives micro-batches to the store, one after the other over all partitions. A commit that fails is given again,
 * the same effects under the same sequence, until it is in: the queue keeps what comes meanwhile.
 */

import type { Clock } from "../clock/clock.ts";
import type { Effects } from "../aggregate/effects.ts";
import type { SharedState } from "../aggregate/state.ts";
import type { Commit, PartitionProgress } from "../model/commit.ts";
import type { ClickStore } from "../store/click-store.ts";
import type { RetryDelays } from "./retry.ts";
import { retryUntilDone } from "./retry.ts";

export interface CommitListener {
  /** Called after each commit, in order, before anybody is told of it. */
  committed(commit: Commit, durationMs: number): void;
  /** Called at each failed try of a commit, or of a question to the store; it is tried again. */
  tryFailed(what: "commit" | "look-up", error: unknown, tries: number): void;
}

export class Committer {
  private readonly clock: Clock;
  private readonly store: ClickStore;
  private readonly shared: SharedState;
  private readonly listener: CommitListener;
  private readonly stop: AbortSignal;
  private readonly retryDelays: RetryDelays | undefined;
  private lastSequence: number;
  private tail: Promise<void> = Promise.resolve();

  constructor(
    clock: Clock,
    store: ClickStore,
    shared: SharedState,
    lastSequence: number,
    listener: CommitListener,
    stop: AbortSignal,
    retryDelays?: RetryDelays,
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

  /** Asks the store what a record needs to know; it is asked again until it answers, as with a commit. */
  ask<T>(question: () => Promise<T>): Promise<T> {
    return this.untilDone("look-up", question);
  }

  private async commit(commit: Commit): Promise<void> {
    const startMs = this.clock.monotonicMs();
    await this.untilDone("commit", () => this.store.commit(commit));
    // Outside the tries: a listener that fails is a bug, which giving the commit again would hide and repeat.
    this.listener.committed(commit, this.clock.monotonicMs() - startMs);
  }

  private untilDone<T>(what: "commit" | "look-up", work: () => Promise<T>): Promise<T> {
    const { clock, stop, retryDelays } = this;
    const failed = (error: unknown, tries: number): void =>
      this.listener.tryFailed(what, error, tries);
    return retryUntilDone(work, {
      clock,
      stop,
      failed,
      ...(retryDelays && { delays: retryDelays }),
    });
  }
}
