/**
 * Reads the log of one partition, and again where it is out of reach for now. Who asks for records waits until a moment of
 * its own; a read that takes longer goes on, and what it brings is there for the next question.
 */

import type { Clock } from "../clock/clock.ts";
import { CodedError } from "../model/errors.ts";
import type { ClickQueueReader, ReadLimits, StoredRecord } from "../queue/click-queue.ts";
import type { QueueOutages } from "./queue-outages.ts";
import type { RetryDelays } from "./retry.ts";
import { retryUntilDone } from "./retry.ts";

export interface PartitionReadsOptions {
  readonly clock: Clock;
  readonly queue: Pick<ClickQueueReader, "read">;
  readonly partition: number;
  /** Between the tries; has a default. */
  readonly retryDelays?: RetryDelays | undefined;
  readonly outages: QueueOutages;
}

export class PartitionReads {
  private readonly options: PartitionReadsOptions;
  private readonly stopping = new AbortController();
  /** Nobody else reads on from where it does until it has been taken. */
  private underWay: Promise<StoredRecord[]> | undefined;

  constructor(options: PartitionReadsOptions) {
    this.options = options;
  }

  /**
   * As the queue's `read`; undefined where it has brought nothing by `untilMs`, of the monotonic clock, or is stopped. Rejects
   * where to try again would not help. The next question has to begin at the same offset unless this one brought records.
   */
  async read(
    fromOffset: number,
    limits: ReadLimits,
    untilMs: number,
  ): Promise<StoredRecord[] | undefined> {
    if (this.stopping.signal.aborted) return undefined;
    this.underWay ??= this.untilRead(fromOffset, limits);
    const records = await this.unlessLate(this.underWay, untilMs);
    if (records !== undefined) this.underWay = undefined;
    return records;
  }

  /** Whoever waits is let go; what is read then is of no interest. */
  stop(): void {
    this.stopping.abort();
  }

  private async untilRead(fromOffset: number, limits: ReadLimits): Promise<StoredRecord[]> {
    const { clock, queue, partition, retryDelays: delays, outages } = this.options;
    const records = await retryUntilDone(() => queue.read(partition, fromOffset, limits), {
      clock,
      stop: this.stopping.signal,
      ...(delays && { delays }),
      mayPass: isOutOfReach,
      failed: (error) => {
        if (isOutOfReach(error)) outages.away(this, error);
      },
    });
    outages.back(this);
    return records;
  }

  private unlessLate<T>(work: Promise<T>, untilMs: number): Promise<T | undefined> {
    const { clock } = this.options;
    const { signal } = this.stopping;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => resolve(undefined);
      const timer =
        untilMs === Infinity ? undefined : clock.after(untilMs - clock.monotonicMs(), giveUp);
      signal.addEventListener("abort", giveUp, { once: true });
      const settled = (): void => {
        timer?.cancel();
        signal.removeEventListener("abort", giveUp);
      };
      work.then(resolve, reject).finally(settled);
    });
  }
}

function isOutOfReach(error: unknown): boolean {
  return error instanceof CodedError && error.code === "queue_unavailable";
}
