/**
 * Copies of store and queue that belong together, made while both go on.
 *
 * The store first, the queue after it: then the queue's copy reaches at least to where the store's ends. And no trim from
 * before the store's copy on: a later checkpoint would have the queue forget what this copy still needs. So a service
 * started on the two finds every record between what its store has and what was acknowledged when the copy began.
 */

import { Turns } from "../clock/turns.ts";
import { CodedError } from "../model/errors.ts";
import type { PartitionProgress } from "../model/commit.ts";

/** Where the copies go; `signal` is aborted where the engine stops. */
export interface CopyTarget<StoreCopy, QueueCopy> {
  copyStore(signal: AbortSignal): Promise<StoreCopy>;
  /** Every record from this progress on. */
  copyQueue(from: readonly PartitionProgress[], signal: AbortSignal): Promise<QueueCopy>;
}

export interface DataCopy<StoreCopy, QueueCopy> {
  readonly store: StoreCopy;
  readonly queue: QueueCopy;
}

type Trim = (progress: readonly PartitionProgress[]) => Promise<void>;

export class DataCopies {
  private readonly abort = new AbortController();
  /** Trims and copies take turns. */
  private readonly turns = new Turns();

  /** A trim that waits while a copy is made. */
  besideCopies(trim: Trim): Trim {
    return (progress) => this.turns.take(() => trim(progress));
  }

  make<StoreCopy extends { readonly progress: readonly PartitionProgress[] }, QueueCopy>(
    target: CopyTarget<StoreCopy, QueueCopy>,
  ): Promise<DataCopy<StoreCopy, QueueCopy>> {
    const { signal } = this.abort;
    return this.turns.take(async () => {
      signal.throwIfAborted();
      const store = await target.copyStore(signal);
      const queue = await target.copyQueue(store.progress, signal);
      return { store, queue };
    });
  }

  /** Gives up what is being copied. */
  async stop(): Promise<void> {
    this.abort.abort(new CodedError("not_ready", "the service stops"));
    await this.turns.through();
  }
}
