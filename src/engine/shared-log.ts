/**
 * What an engine has to find out by itself where others append to its log too: that it has grown, and where it is silent.
 */

import type { Clock, Timer } from "../clock/clock.ts";
import type { QueueOutages } from "../pipeline/queue-outages.ts";
import type { Reading } from "../pipeline/run-partition.ts";
import type { ClickQueueReader } from "../queue/click-queue.ts";

export interface SharedLogOptions {
  readonly clock: Clock;
  readonly queue: Pick<ClickQueueReader, "ends">;
  /** Of each partition that is counted here, as it is now. */
  readonly reading: () => readonly Reading[];
  readonly notify: (partition: number) => void;
  readonly outages: QueueOutages;
}

/** A click waits so long for being read, on average half of it. */
const lookEveryMs = 50;

export class SharedLog implements AsyncDisposable {
  private readonly options: SharedLogOptions;
  private timer: Timer | undefined;
  private looking: Promise<void> = Promise.resolve();
  private isStopped = false;

  constructor(options: SharedLogOptions) {
    this.options = options;
    this.schedule();
  }

  /**
   * The partitions whose records are all read and that brought no live clicks for `timeMs`: a tick there hurries nobody's
   * clicks. Rejects where the log's ends can't be learned.
   */
  async silent(timeMs: number): Promise<number[]> {
    const { queue, reading, clock } = this.options;
    const ends = await queue.ends();
    const nowMs = clock.nowMs();
    // Read after the ends were: what came in between can only make a partition less silent.
    return reading().flatMap(({ partition, nextOffset, lastLiveMs }) =>
      nextOffset >= ends[partition]! && nowMs - lastLiveMs >= timeMs ? [partition] : [],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isStopped = true;
    this.timer?.cancel();
    await this.looking;
  }

  private schedule(): void {
    if (this.isStopped) return;
    this.timer = this.options.clock.after(lookEveryMs, () => {
      this.looking = this.look().finally(() => this.schedule());
    });
  }

  private async look(): Promise<void> {
    const { queue, reading, notify, outages } = this.options;
    let ends: readonly number[];
    try {
      ends = await queue.ends();
    } catch (error) {
      outages.away(this, error);
      return;
    }
    outages.back(this);
    for (const { partition, nextOffset } of reading())
      if (ends[partition]! > nextOffset) notify(partition);
  }
}
