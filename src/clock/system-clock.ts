import type { Clock } from "./clock.ts";

/** The machine's time. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(timeMs, call) {
    const timer = setTimeout(call, timeMs);
    return { cancel: () => clearTimeout(timer) };
  },
  turn: () => new Promise(setImmediate),
};
