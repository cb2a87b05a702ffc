import { setTimeout as timeout } from "node:timers/promises";

/** Asks until the answer is no longer undefined; fails with what was waited for after the deadline. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 30_000,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  let lastError: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > endMs) {
      throw new Error(`waited ${deadlineMs} ms in vain: ${what}`, { cause: lastError });
    }
    await timeout(20);
  }
}
