/**
 * What an engine has to find out by itself where others append to its log too: that it has grown, and where it is silent.
 */

import type { Clock } from "../clock/clock.ts";
import { Repeating } from "../clock/repeating.ts";
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
  private readonly looks: Repeating;

  constructor(options: SharedLogOptions) {
    this.options = options;
    this.looks = new Repeating(options.clock, lookEveryMs, () => this.look());
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.looks[Symbol.asyncDispose]();
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
