import type { Clock } from "../clock/clock.ts";
import { pause } from "../clock/clock.ts";
import type { Position } from "../model/log-record.ts";
import type { ClickQueueReader } from "../queue/click-queue.ts";

const lookEveryMs = 250;

/** Up to where the log was trimmed, whoever trims it: the log itself is asked. */
export class TrimmedBounds {
  private readonly clock: Clock;
  private readonly queue: Pick<ClickQueueReader, "bounds">;
  private readonly stop: AbortSignal;

  constructor(clock: Clock, queue: Pick<ClickQueueReader, "bounds">, stop: AbortSignal) {
    this.clock = clock;
    this.queue = queue;
    this.stop = stop;
  }

  /** False where `timeoutMs` is over, or it is stopped, before all of them are trimmed. */
  async wait(positions: readonly Position[], timeoutMs: number): Promise<boolean> {
    const untilMs = this.clock.monotonicMs() + timeoutMs;
    while (!this.stop.aborted) {
      if (await this.areTrimmed(positions)) return true;
      if (this.clock.monotonicMs() >= untilMs) return false;
      await pause(this.clock, lookEveryMs, this.stop);
    }
    return false;
  }

  private async areTrimmed(positions: readonly Position[]): Promise<boolean> {
    for (const { partition, offset } of positions)
      if ((await this.queue.bounds(partition)).firstOffset <= offset) return false;
    return true;
  }
}
