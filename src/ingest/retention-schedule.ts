import type { Clock, Timer } from "../clock/clock.ts";
import type { Control } from "../model/log-record.ts";
import { dayMs, hourMs, minuteMs } from "../model/time.ts";

export interface RetentionTimes {
  /** How long clicks are kept, and counts by minute. */
  readonly rawMs: number;
  readonly minuteMs: number;
}

/** How often it looks whether a day (UTC) has begun; where the log takes nothing in it asks again sooner. */
const lookEveryMs = hourMs;
const againAfterMs = minuteMs;

/** Says in the log which days need no longer be kept: at the start, and once a day. */
export class RetentionSchedule implements AsyncDisposable {
  private readonly clock: Clock;
  private readonly append: (control: Control) => Promise<unknown>;
  private readonly times: RetentionTimes;
  private timer: Timer | undefined;
  private running: Promise<void>;
  private saidOnDay: number | undefined;
  private isStopped = false;

  constructor(clock: Clock, append: (control: Control) => Promise<unknown>, times: RetentionTimes) {
    this.clock = clock;
    this.append = append;
    this.times = times;
    this.running = this.look();
  }

  /** Resolves when nothing more is appended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.isStopped = true;
    this.timer?.cancel();
    await this.running;
  }

  private async look(): Promise<void> {
    const nowMs = this.clock.nowMs();
    const today = Math.floor(nowMs / dayMs);
    let waitMs = lookEveryMs;
    try {
      if (today !== this.saidOnDay) await this.append(retentionAt(nowMs, this.times));
      this.saidOnDay = today;
    } catch {
      // The queue refused it, as it refuses clicks, whose senders are told.
      waitMs = againAfterMs;
    }
    if (this.isStopped) return;
    this.timer = this.clock.after(waitMs, () => {
      this.running = this.look();
    });
  }
}

/** A day is past the limit when its last moment is. */
function retentionAt(nowMs: number, { rawMs, minuteMs: countsMs }: RetentionTimes): Control {
  return {
    type: "retention",
    raw_before_day: Math.floor((nowMs - rawMs) / dayMs),
    minute_before_day: Math.floor((nowMs - countsMs) / dayMs),
  };
}
