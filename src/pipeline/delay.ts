import { setTimeout as timeout } from "node:timers/promises";

/** Resolves after this time, or at once when `stop` is given. */
export async function delay(timeMs: number, stop: AbortSignal): Promise<void> {
  try {
    await timeout(timeMs, undefined, { signal: stop });
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}
