/**
 * The port of time. Whatever waits, times out or takes turns goes through it, so that a simulator can drive the real
 * code without sleeping and in an order that a seed decides (simulation/world/virtual-time.ts).
 */
export interface Clock {
  /** Wall clock, epoch ms; may jump. */
  nowMs(): number;
  /** Ms since some moment; never goes back. */
  monotonicMs(): number;
  /** Calls once after this time unless it is cancelled before. */
  after(timeMs: number, call: () => void): Timer;
  /** Resolves after all else that is ready has had its turn. */
  turn(): Promise<void>;
}

export interface Timer {
  /** Safe to repeat, and after the call. */
  cancel(): void;
}

/** Resolves after this time, or at once when `stop` is given. */
export async function pause(clock: Clock, timeMs: number, stop: AbortSignal): Promise<void> {
  if (stop.aborted) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      timer.cancel();
      stop.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.after(timeMs, end);
    stop.addEventListener("abort", end);
  });
}
