import type { Clock } from "../clock/clock.ts";
import type { Position } from "../model/log-record.ts";

/** Up to where something has come in each partition, for those who wait until it is past some records. */
export class ReachedOffsets {
  private readonly clock: Clock;
  private readonly nextOffsets = new Map<number, number>();
  private waiters: { positions: readonly Position[]; resolve: () => void }[] = [];

  constructor(clock: Clock) {
    this.clock = clock;
  }

  nextOffset(partition: number): number {
    return this.nextOffsets.get(partition) ?? 0;
  }

  note({ partition, nextOffset }: { partition: number; nextOffset: number }): void {
    this.nextOffsets.set(partition, nextOffset);
    const waiting = this.waiters;
    this.waiters = waiting.filter((waiter) => !this.isPast(waiter.positions));
    for (const waiter of waiting) if (this.isPast(waiter.positions)) waiter.resolve();
  }

  /** False where `timeoutMs` is over before it is past all of them. */
  async wait(positions: readonly Position[], timeoutMs: number): Promise<boolean> {
    if (this.isPast(positions)) return true;
    return new Promise((resolve) => {
      const waiter = {
        positions,
        resolve: () => {
          timer.cancel();
          resolve(true);
        },
      };
      const timer = this.clock.after(timeoutMs, () => {
        this.waiters = this.waiters.filter((other) => other !== waiter);
        resolve(false);
      });
      this.waiters.push(waiter);
    });
  }

  private isPast(positions: readonly Position[]): boolean {
    return positions.every(({ partition, offset }) => this.nextOffset(partition) > offset);
  }
}
