import type { Clock } from "./clock.ts";

/** The machine's time. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(timeMs, call) {
    // Of a time that has passed already Node warns.
    const timer = setTimeout(call, Math.max(0, timeMs));
    return { cancel: () => clearTimeout(timer) };
  },
  turn: () => new Promise(setImmediate),
};
