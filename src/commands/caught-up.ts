import { setTimeout as delay } from "node:timers/promises";
import type { StatusAnswer } from "../query/query-service.ts";

/** This long without catching up and something is wrong. */
const catchUpMsMax = 600_000;
const pollMs = 50;

/** Resolves when everything that is in the queue by now is counted. */
export async function caughtUp(askStatus: () => Promise<StatusAnswer>): Promise<void> {
  const deadline = performance.now() + catchUpMsMax;
  /** By partition, as soon as the queue tells. */
  const ends = new Map<number, number>();
  for (;;) {
    const { partitions } = await askStatus();
    for (const { partition, next_offset: nextOffset, lag_records: lag } of partitions)
      if (lag !== null && !ends.has(partition)) ends.set(partition, nextOffset + lag);
    if (partitions.every((p) => p.next_offset >= (ends.get(p.partition) ?? Infinity))) return;
    if (performance.now() > deadline) {
      throw new Error(`the clicks are durable, but not counted after ${catchUpMsMax / 1000} s`);
    }
    await delay(pollMs);
  }
}
