/**
 * Gives micro-batches to the store, one after the other over all partitions; what has come while it was busy it may take at
 * one stroke. A commit that fails is given again, the same effects under the same sequence, until it is in: the queue keeps
 * what comes meanwhile.
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
  /** Called where it went through at last. */
  wentThrough(what: "commit" | "look-up", tries: number): void;
}

interface PendingCommit {
  readonly commit: Commit;
  /** Settled with its fate. */
  readonly done: PromiseWithResolvers<void>;
}

export class Committer {
  private readonly clock: Clock;
  private readonly store: ClickStore;
  private readonly shared: SharedState;
  private readonly listener: CommitListener;
  private readonly stop: AbortSignal;
  private readonly retryDelays: RetryDelays | undefined;
  private lastSequence: number;
  /** In the order of their sequences; at most one of each partition. */
  private readonly pending: PendingCommit[] = [];
  /** Undefined while there is nothing to commit. */
  private running: Promise<void> | undefined;
  /** Why nothing is committed any more: what could not be is in the way of all that comes after it. */
  private failure: { readonly error: unknown } | undefined;

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
    if (this.failure) return Promise.reject(this.failure.error);
    const commit = effects.toCommit(
      ++this.lastSequence,
      this.clock.nowMs(),
      this.shared.takeGrowth(),
      this.shared.takeConfigs(),
      progress,
    );
    const done = Promise.withResolvers<void>();
    this.pending.push({ commit, done });
    this.running ??= this.commitPending();
    return done.promise;
  }

  /** Resolves when nothing is being committed any more, whatever became of it. */
  async idle(): Promise<void> {
    await this.running;
  }

  /** Asks the store what a record needs to know; it is asked again until it answers, as with a commit. */
  ask<T>(question: () => Promise<T>): Promise<T> {
    return this.untilDone("look-up", question);
  }

  private async commitPending(): Promise<void> {
    try {
      for (;;) {
        const [first, ...more] = this.pending;
        if (!first) break;
        await this.commit(first, more);
        // Partitions whose commit is done hand in the next one now, to go with those that came meanwhile.
        await this.clock.turn();
      }
    } catch (error) {
      this.failure = { error };
      for (const { done } of this.pending.splice(0)) done.reject(error);
    }
    this.running = undefined;
  }

  private async commit(first: PendingCommit, more: readonly PendingCommit[]): Promise<void> {
    const startMs = this.clock.monotonicMs();
    const behind = more.map(({ commit }) => commit);
    const count = await this.untilDone("commit", () => this.store.commit(first.commit, ...behind));
    const durationMs = this.clock.monotonicMs() - startMs;
    for (const { commit, done } of [first, ...more].slice(0, count)) {
      // Outside the tries: a listener that fails is a bug, which giving the commit again would hide and repeat.
      this.listener.committed(commit, durationMs);
      this.pending.shift();
      done.resolve();
    }
  }

  private async untilDone<T>(what: "commit" | "look-up", work: () => Promise<T>): Promise<T> {
    const { clock, stop, retryDelays } = this;
    let failures = 0;
    const failed = (error: unknown, tries: number): void => {
      failures = tries;
      this.listener.tryFailed(what, error, tries);
    };
    const done = await retryUntilDone(work, {
      clock,
      stop,
      failed,
      ...(retryDelays && { delays: retryDelays }),
    });
    if (failures > 0) this.listener.wentThrough(what, failures + 1);
    return done;
  }
}
