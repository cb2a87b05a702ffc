import type { Clock, Timer } from "../clock/clock.ts";

/** Calls for ticks again and again, so that time goes on in silence too. */
export class TickSource implements AsyncDisposable {
  private readonly clock: Clock;
  private readonly tick: () => Promise<unknown>;
  private readonly everyMs: number;
  private timer: Timer;
  private running: Promise<void> | undefined;
  private isStopped = false;

  constructor(clock: Clock, tick: () => Promise<unknown>, everyMs: number) {
    this.clock = clock;
    this.tick = tick;
    this.everyMs = everyMs;
    this.timer = this.schedule();
  }

  /** Resolves when the last tick has come to its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.isStopped = true;
    this.timer.cancel();
    await this.running;
  }

  private schedule(): Timer {
    return this.clock.after(this.everyMs, () => {
      this.running = this.runOnce();
    });
  }

  private async runOnce(): Promise<void> {
    try {
      await this.tick();
    } catch {
      // The queue refused it, as it refuses clicks, whose senders are told; the next one comes soon.
    }
    if (!this.isStopped) this.timer = this.schedule();
  }
}
