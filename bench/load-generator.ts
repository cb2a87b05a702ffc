/**
 * A process of its own that sends the workload. Bodies are made before the run. Its argument is a LoadPlan as JSON. It prints
 * `ready`; at a line on standard input it sends the bodies for warming up and prints `warm`, at the next one it runs and
 * prints a LoadReport as JSON.
 */
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { dueTimes } from "./schedule.ts";
import type { Phase } from "./schedule.ts";
import { senderFor } from "./senders/sender-for.ts";
import type { Connection, Target } from "./senders/sender.ts";
import { Workload } from "./workload.ts";
import type { WorkloadOptions } from "./workload.ts";

export interface LoadPlan {
  readonly target: Target;
  /**
   * `clicks`: so many, as fast as the connections allow (closed loop). `phases`: on schedule whatever the server does (open
   * loop); a body that no connection was free for is late, which counts as the server's.
   */
  readonly send: { readonly clicks: number } | { readonly phases: readonly Phase[] };
  readonly batchRows: number;
  readonly connections: number;
  readonly seed: number;
  /** Sent before, not reported; by default none. */
  readonly warmUpClicks?: number;
  /** What becomes of a body that is refused; by default it is sent again until it is taken. */
  readonly refused?: "again" | "dropped";
  /** Nothing is sent beyond it, for a server that does not keep up. */
  readonly secondsMax?: number;
  readonly workload?: WorkloadOptions;
}

export interface BodyOutcome {
  /** When it was due, or sent; milliseconds from the start. */
  readonly dueMs: number;
  /** From then to its acknowledgement; null where it was dropped, or not taken until the end. */
  readonly ackMs: number | null;
  /** It was refused, and that was that. */
  readonly isDropped: boolean;
  /** From sending it to each refusal. */
  readonly refusalMs: readonly number[];
}

export interface LoadReport {
  /** Acknowledged. */
  readonly clicks: number;
  /** Acknowledged clicks of before. */
  readonly warmUpClicks: number;
  /** Of all that were made, those that repeat another. */
  readonly duplicates: number;
  /** From the first byte sent to the last answer. */
  readonly seconds: number;
  readonly bodies: readonly BodyOutcome[];
  readonly cpuSeconds: number;
}

const retryMs = 20;

const plan = JSON.parse(process.argv[2]!) as LoadPlan;
const { batchRows } = plan;
const sender = senderFor(plan.target, plan.connections);
const workload = new Workload(plan.seed, plan.workload);
const schedule = "phases" in plan.send ? dueTimes(plan.send.phases, batchRows) : undefined;
const warmUpBodies = makeBodies(Math.ceil((plan.warmUpClicks ?? 0) / batchRows));
const bodies = makeBodies(
  schedule?.length ?? Math.ceil((plan.send as { clicks: number }).clicks / batchRows),
  schedule,
);
const connections = await Promise.all(
  Array.from({ length: plan.connections }, () => sender.connect()),
);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
process.stdout.write("ready\n");
await lines.next();
await sendAll(warmUpBodies, undefined);
process.stdout.write("warm\n");
await lines.next();
process.stdout.write(`${JSON.stringify(await run())}\n`);
// Connections stay, since they are of what a server's memory is, until whoever started this has seen enough.
await lines.next();
await sender.close();
process.exit(0);

function makeBodies(count: number, dueMs?: readonly number[]): unknown[] {
  const startMs = Date.now();
  return Array.from({ length: count }, (_, i) =>
    // On schedule the clicks happen as they are sent; else they are all of about now.
    sender.encode(workload.clicks(batchRows, Math.round(startMs + (dueMs?.[i] ?? 0)))),
  );
}

async function run(): Promise<LoadReport> {
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const outcomes = await sendAll(bodies, schedule);
  const seconds = (performance.now() - start) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    clicks: outcomes.filter(({ ackMs }) => ackMs !== null).length * batchRows,
    warmUpClicks: warmUpBodies.length * batchRows,
    duplicates: workload.duplicates,
    seconds,
    bodies: outcomes,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}

/** By when they were done. */
async function sendAll(
  all: readonly unknown[],
  dueMs: readonly number[] | undefined,
): Promise<BodyOutcome[]> {
  const outcomes: BodyOutcome[] = [];
  const start = performance.now();
  const sinceStart = (): number => Math.round((performance.now() - start) * 100) / 100;
  const lastMs = (plan.secondsMax ?? Infinity) * 1000;
  let next = 0;
  const sendDue = async (connection: Connection<unknown>): Promise<void> => {
    for (let i = next++; i < all.length && sinceStart() < lastMs; i = next++) {
      const due = dueMs?.[i] ?? sinceStart();
      const waitMs = due - sinceStart();
      if (waitMs > 0) await delay(waitMs);
      const refusalMs: number[] = [];
      let isTaken = false;
      for (;;) {
        const sent = sinceStart();
        isTaken = await connection.send(all[i]);
        if (isTaken) break;
        refusalMs.push(sinceStart() - sent);
        if (plan.refused === "dropped" || sinceStart() > lastMs) break;
        await delay(retryMs);
      }
      const isDropped = !isTaken && plan.refused === "dropped";
      outcomes.push({
        dueMs: due,
        ackMs: isTaken ? sinceStart() - due : null,
        isDropped,
        refusalMs,
      });
    }
  };
  await Promise.all(connections.map(sendDue));
  for (const due of dueMs?.slice(outcomes.length) ?? [])
    outcomes.push({ dueMs: due, ackMs: null, isDropped: false, refusalMs: [] });
  return outcomes;
}
