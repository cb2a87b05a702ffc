/** Which buckets a self-audit looks at: no clock and no chance, so that the simulator can follow it. */

import type { MinuteRange } from "../model/window.ts";

/** Prime, so that any step but a multiple of it comes by every pass. Some 17 hours of minutes. */
const passes = 1_009;
/** Over the golden ratio: passes that follow each other are far apart, however many there have been. */
const passStep = 624;

/**
 * Walks over the kept minutes again and again: each pass spans all of them in wide strides, so that damage of any width
 * is met soon, and all passes together come by every minute once.
 */
export class BucketWalk {
  /** The first epoch minute that was not yet seen final. */
  private nextNew = -Infinity;
  /** Of this pass: its minutes are those that leave this rest. */
  private rest: number;
  private last = -Infinity;

  /** `seed`: a whole number; where the walk begins, so that a service that is often started does not repeat itself. */
  constructor(seed: number) {
    this.rest = scattered(seed) % passes;
  }

  /** Of the epoch minutes that have become final since the last call the newest, which come first. */
  newlyFinal(finalBeforeMinute: number, most: number): number[] {
    const from = Math.max(this.nextNew, finalBeforeMinute - most);
    this.nextNew = Math.max(this.nextNew, finalBeforeMinute);
    const count = Math.max(0, finalBeforeMinute - from);
    return Array.from({ length: count }, (_, i) => finalBeforeMinute - 1 - i);
  }

  /** The next minutes of the range, at most so many. As many steps as it has minutes come by every one of them. */
  next(range: MinuteRange, count: number): number[] {
    const steps = Math.max(0, Math.min(count, range.toMinute - range.fromMinute));
    return Array.from({ length: steps }, () => this.advance(range));
  }

  private advance({ fromMinute, toMinute }: MinuteRange): number {
    const first = (): number =>
      fromMinute + ((((this.rest - fromMinute) % passes) + passes) % passes);
    let minute = Math.max(this.last + passes, first());
    while (minute >= toMinute) {
      this.rest = (this.rest + passStep) % passes;
      minute = first();
    }
    this.last = minute;
    return minute;
  }
}

/** Any whole number as 32 bits of which nearly half change with each of its own. */
function scattered(seed: number): number {
  let bits = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
