import { setTimeout as delay } from "node:timers/promises";
import { senderFor } from "./senders/sender-for.ts";
import { probeDimensions } from "./servers.ts";
import type { Server } from "./servers.ts";

const probeEveryMs = 50;
const pollEveryMs = 10;
const retryMs = 20;
/** Probes that are on their way at once; one that none of them has time for is late, which counts as the server's. */
const probesMax = 16;

/** Milliseconds from the start. */
export interface FreshnessProbe {
  readonly dueMs: number;
  /** From when it was due to the answer that has it. */
  readonly freshMs: number;
}

/** For so long sends single clicks of ads of their own on schedule, and asks for each until it is counted. */
export async function probeFreshness(
  server: Pick<Server, "target" | "countOf">,
  seconds: number,
): Promise<FreshnessProbe[]> {
  const probes: FreshnessProbe[] = [];
  const sender = senderFor(server.target, probesMax);
  const start = performance.now();
  let next = 0;
  const count = (seconds * 1000) / probeEveryMs;
  const probe = async (): Promise<void> => {
    const connection = await sender.connect();
    for (let i = next++; i < count; i = next++) {
      const dueMs = i * probeEveryMs;
      await delay(Math.max(0, start + dueMs - performance.now()));
      const body = sender.encode([clickOf(`probe-${i}`)]);
      while (!(await connection.send(body))) await delay(retryMs);
      while ((await server.countOf(`probe-${i}`)) === 0) await delay(pollEveryMs);
      probes.push({ dueMs, freshMs: performance.now() - start - dueMs });
    }
  };
  await Promise.all(Array.from({ length: probesMax }, probe));
  await sender.close();
  return probes;
}

function clickOf(ad_id: string) {
  return {
    ad_id,
    event_id: crypto.randomUUID(),
    timeMs: Date.now(),
    ...probeDimensions,
    user_id: "probe",
    ip: "192.0.2.1",
    further: "",
  };
}
