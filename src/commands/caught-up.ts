import { setTimeout as delay } from "node:timers/promises";
import type { StatusAnswer } from "../query/query-service.ts";

/** This long without catching up and something is wrong. */
const catchUpMsMax = 600_000;
const pollMs = 50;

/** Resolves when everything that is in the queue by now is counted. */
export async function caughtUp(askStatus: () => Promise<StatusAnswer>): Promise<void> {
  const deadline = performance.now() + catchUpMsMax;
  const { partitions } = await askStatus();
  const ends = new Map(partitions.map((p) => [p.partition, p.next_offset + p.lag_records]));
  for (let status = { partitions }; ; status = await askStatus()) {
    if (status.partitions.every((p) => p.next_offset >= (ends.get(p.partition) ?? 0))) return;
    if (performance.now() > deadline) {
      throw new Error(`the clicks are durable, but not counted after ${catchUpMsMax / 1000} s`);
    }
    await delay(pollMs);
  }
}
