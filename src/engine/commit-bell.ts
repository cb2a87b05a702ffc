import type { Clock } from "../clock/clock.ts";

/** Wakes those who wait for a commit that is newer than the last one they have seen. */
export class CommitBell {
  private readonly clock: Clock;
  private last: number;
  private readonly waiting = new Set<() => void>();

  /** `last`: the sequence of the last commit so far. */
  constructor(clock: Clock, last: number) {
    this.clock = clock;
    this.last = last;
  }

  ring(sequence: number): void {
    this.last = sequence;
    for (const wake of this.waiting) wake();
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
      this.waiting.add(end);
    });
    return this.last > sequence;
  }
}
