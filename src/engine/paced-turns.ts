import type { Clock } from "../clock/clock.ts";

/** Of the time that the work before took; then work takes at most a third of the time … */
const restShare = 2;
/** … but nobody waits longer than this for work that takes long. */
const restMsMax = 100;

/** Lets work that can wait take turns, one at a time and with rests between, so that it leaves room for other work. */
export class PacedTurns {
  private readonly clock: Clock;
  private lastTurn: Promise<void> = Promise.resolve();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  take<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this;
    let startMs = 0;
    const result = this.lastTurn.then(() => {
      startMs = clock.monotonicMs();
      return work();
    });
    const rest = async (): Promise<void> => {
      const restMs = Math.min(restMsMax, restShare * (clock.monotonicMs() - startMs));
      await new Promise<void>((resolve) => clock.after(restMs, resolve));
    };
    this.lastTurn = result.then(rest, rest);
    return result;
  }
}
