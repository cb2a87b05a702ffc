import type { Clock } from "../clock/clock.ts";

/** A bell for one sleeper: `ring` ends the sleep in progress, or the next one at once. */
export class Wakeup {
  private readonly clock: Clock;
  private rung = false;
  private wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  /** Resolves when rung or after `timeMs` (Infinity: only when rung). */
  async sleep(timeMs: number): Promise<void> {
    if (!this.rung && timeMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = timeMs === Infinity ? undefined : this.clock.after(timeMs, resolve);
        this.wake = () => {
          timer?.cancel();
          resolve();
        };
      });
      this.wake = undefined;
    }
    this.rung = false;
  }
}
