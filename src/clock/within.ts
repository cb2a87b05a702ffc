import type { Clock } from "./clock.ts";

/** What comes of the work, or undefined where that takes longer; the work goes on, and a failure of it is nobody's then. */
export function within<T>(clock: Clock, timeMs: number, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(timeMs, () => resolve(undefined));
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
