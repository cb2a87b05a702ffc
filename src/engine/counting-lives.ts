/**
 * Counts what falls to this process of a store that several commit to. It enters their order, counts the partitions that it is
 * given until they are others, and begins anew with those; where it is put out it enters again. What it has in hand then is
 * given up: whoever goes on reads it from the log again.
 */

import type { Clock } from "../clock/clock.ts";
import { pause } from "../clock/clock.ts";
import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";
import type { PipelineOptions } from "../pipeline/pipeline.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import type { Reading } from "../pipeline/run-partition.ts";
import { Wakeup } from "../pipeline/wakeup.ts";
import type { SharedStore, StoreMember } from "../store/shared-store.ts";

export interface CountingLivesOptions extends Omit<
  PipelineOptions,
  "store" | "recovered" | "partitions" | "secret"
> {
  readonly clock: Clock;
  readonly store: SharedStore;
  /** The same in every life of a process. */
  readonly instance: string;
}

type Terms = ReadonlyMap<number, number>;

/** The queue or the store has not answered, or not well: it may next time. */
const passingCodes: ReadonlySet<ErrorCode> = new Set([
  "store_unavailable",
  "storage_failed",
  "queue_unavailable",
]);
const againAfterMs = 500;
/** Where it can't begin to count so often in a row, it leaves its partitions to others for a while. */
const triesMax = 8;
const leftForMs = 15_000;

export class CountingLives implements AsyncDisposable {
  private readonly options: CountingLivesOptions;
  private readonly changes: Wakeup;
  private readonly stopping = new AbortController();
  private pipeline: Pipeline | undefined;
  private running: Promise<void> = Promise.resolve();
  /** To begin to count, in a row. */
  private failures = 0;

  constructor(options: CountingLivesOptions) {
    this.options = options;
    this.changes = new Wakeup(options.clock);
  }

  /** Of the partitions that are counted here now. */
  get reading(): readonly Reading[] {
    return this.pipeline?.reading ?? [];
  }

  get dedup(): { ids: number; bytes: number } {
    return this.pipeline?.dedup ?? { ids: 0, bytes: 0 };
  }

  notify(partition: number): void {
    this.pipeline?.notify(partition);
  }

  /** Until stopped. Rejects where it can never go on. */
  run(): Promise<void> {
    const ended = this.live();
    this.running = ended.catch(() => {});
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort(new CodedError("not_ready", "the service stops"));
    this.changes.ring();
    await this.running;
  }

  private async live(): Promise<void> {
    const { store, queue, instance } = this.options;
    const { partitionCount } = queue;
    while (!this.isStopping) {
      await this.untilPassed("entering the order of commits", async () => {
        const onChange = (): void => this.changes.ring();
        await using member = await store.enter({ instance, partitionCount, onChange });
        while (!this.isStopping && member.terms && this.failures < triesMax)
          await this.countWhole(member, member.terms);
        if (!this.isStopping && !member.terms)
          this.options.onNotice?.("the others have gone on without this process: it comes back");
      });
      if (this.failures < triesMax) continue;
      this.failures = 0;
      await pause(this.options.clock, leftForMs, this.stopping.signal);
    }
  }

  private async countWhole(member: StoreMember, terms: Terms): Promise<void> {
    await this.untilPassed("counting", async () => {
      this.failures++;
      try {
        await this.count(member, terms);
      } catch (error) {
        if (!hasMoved(error)) {
          // Who slept may find the log trimmed by those who went on without it.
          await member.hear();
          if (isSame(member.terms, terms)) throw error;
        }
        // Where it was not heard of yet that it has moved, it will be soon.
        if (isSame(member.terms, terms)) await this.changes.sleep(againAfterMs);
      }
    });
  }

  /** These partitions, until they are others. */
  private async count(member: StoreMember, terms: Terms): Promise<void> {
    const { options } = this;
    const own = [...terms.keys()].join(", ");
    options.onNotice?.(
      own === "" ? "no partition falls to this process" : `counting begins, of partitions ${own}`,
    );
    // There are more processes than partitions.
    if (terms.size === 0) {
      this.failures = 0;
      return await this.untilMoved(member, terms);
    }
    await using resources = new AsyncDisposableStack();
    const store = resources.use(await member.open());
    const recovered = await store.recover();
    const pipeline = await Pipeline.recover({
      ...options,
      // What has moved is no problem.
      onProblem: (what, error) => {
        if (!hasMoved(error)) options.onProblem(what, error);
      },
      store,
      secret: options.store.secret,
      recovered,
      partitions: [...terms.keys()],
    });
    // The next one finds out for itself; after the last word of this one.
    resources.defer(() => options.onDedupFull(false));
    resources.use(pipeline);
    const failed = pipeline.start();
    failed.catch(() => {});
    pipeline.rebuilt.then(
      (isDone) => {
        if (isDone) this.failures = 0;
      },
      () => {},
    );
    this.pipeline = pipeline;
    resources.defer(() => {
      this.pipeline = undefined;
    });
    await Promise.race([failed, this.untilMoved(member, terms)]);
  }

  private async untilMoved(member: StoreMember, terms: Terms): Promise<void> {
    while (!this.isStopping && isSame(member.terms, terms)) await this.changes.sleep(Infinity);
  }

  /** What may pass is tried again. */
  private async untilPassed(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.isStopping) return;
      if (!(error instanceof CodedError) || !passingCodes.has(error.code)) throw error;
      this.options.onProblem(`${what} failed, will be tried again`, error);
      await pause(this.options.clock, againAfterMs, this.stopping.signal);
    }
  }

  private get isStopping(): boolean {
    return this.stopping.signal.aborted;
  }
}

/** It was put out, or another has a partition of its: what it counts is to be read anew. */
function hasMoved(error: unknown): boolean {
  return error instanceof CodedError && error.code === "store_taken_over";
}

function isSame(now: Terms | undefined, before: Terms): boolean {
  return (
    now?.size === before.size &&
    [...before].every(([partition, term]) => now.get(partition) === term)
  );
}
