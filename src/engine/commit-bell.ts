import type { Clock } from "../clock/clock.ts";

/** Wakes those who wait for a commit that is newer than the last one they have seen. */
export class CommitBell {
  private readonly clock: Clock;
  private last: number;
  /** By the commit that is not enough for them. */
  private readonly waiting = new Map<() => void, number>();

  /** `last`: the sequence of the last commit so far. */
  constructor(clock: Clock, last: number) {
    this.clock = clock;
    this.last = last;
  }

  ring(sequence: number): void {
    this.last = sequence;
    for (const [wake, after] of this.waiting) if (sequence > after) wake();
  }

  /** True once there is a later commit than `sequence`, false where `timeoutMs` is over before. */
  async wait(sequence: number, timeoutMs: number): Promise<boolean> {
    if (this.last > sequence) return true;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.waiting.delete(end);
        resolve();
      };
      const timer = this.clock.after(timeoutMs, end);
      this.waiting.set(end, sequence);
    });
    return this.last > sequence;
  }
}
