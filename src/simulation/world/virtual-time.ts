import type { Random } from "../../traffic/random.ts";
import type { Timer } from "../../clock/clock.ts";

interface Event {
  readonly atMs: number;
  /** Of events at the same time the lower comes first: the seed decides who wins a race. */
  readonly rank: number;
  readonly call: () => void;
  isCancelled: boolean;
}

/**
 * Time that does not pass but jumps from event to event. Between two of them everything that can go on without
 * waiting does; nothing here waits for the machine's clock, its timers or its disk, so that a seed has one history.
 */
export class VirtualTime {
  private readonly random: Random;
  private readonly heap: Event[] = [];
  private elapsedMs = 0;

  constructor(random: Random) {
    this.random = random;
  }

  /** Simulated ms since the start. */
  get nowMs(): number {
    return this.elapsedMs;
  }

  after(timeMs: number, call: () => void): Timer {
    const event = {
      atMs: this.elapsedMs + Math.max(0, timeMs),
      rank: this.random.word(),
      call,
      isCancelled: false,
    };
    this.push(event);
    return {
      cancel() {
        event.isCancelled = true;
      },
    };
  }

  pause(timeMs: number): Promise<void> {
    return new Promise((resolve) => this.after(timeMs, resolve));
  }

  /** Runs events until `isDone`. False where the time is over before, or nothing is left to happen. */
  async runUntil(isDone: () => boolean, endMs = Infinity): Promise<boolean> {
    while (!isDone()) {
      const event = this.pop();
      if (event === undefined || event.atMs > endMs) {
        if (event) this.push(event);
        return false;
      }
      if (event.isCancelled) continue;
      this.elapsedMs = event.atMs;
      event.call();
      await settled();
    }
    return true;
  }

  /** Runs events until the work is done; throws where it never is. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    work.then(settle, settle);
    await settled();
    if (!(await this.runUntil(() => isSettled))) throw new Error("nothing is left to happen");
    return await work;
  }

  private push(event: Event): void {
    const { heap } = this;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  private pop(): Event | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.rank < b.rank);
}

/** Resolves when all promises that can go on have done so. */
function settled(): Promise<void> {
  return new Promise(setImmediate);
}
