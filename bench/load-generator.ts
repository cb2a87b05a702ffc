/**
 * A process of its own that sends the workload over HTTP/1.1 keep-alive connections. Bodies are made before the run.
 * Its argument is a LoadPlan as JSON; it prints `ready`, waits for a line on standard input, runs, and prints a
 * LoadReport as JSON.
 */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { BodySender } from "./body-sender.ts";
import { Workload } from "./workload.ts";

export interface LoadPlan {
  readonly url: string;
  readonly contentType: string;
  readonly clicks: number;
  readonly batchRows: number;
  readonly connections: number;
  /** Clicks a second, on schedule whatever the server does; absent: as fast as the connections allow. */
  readonly rate?: number;
  readonly seed: number;
}

export interface LoadReport {
  readonly clicks: number;
  readonly bytes: number;
  /** From the first byte sent to the last answer. */
  readonly seconds: number;
  /** From when a body was due (open loop) or sent to its answer, in order. */
  readonly ackMs: readonly number[];
  /** Answers that asked to come again later. */
  readonly refusals: number;
  readonly cpuSeconds: number;
}

const plan = JSON.parse(process.argv[2]!) as LoadPlan;
const sender = new BodySender(plan.url, plan.contentType, plan.connections);
const bodies = makeBodies();
process.stdout.write("ready\n");
await once(process.stdin, "data");
const report = await run();
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(0);

function makeBodies(): Buffer[] {
  const workload = new Workload(plan.seed);
  const startMs = Date.now();
  const count = Math.ceil(plan.clicks / plan.batchRows);
  return Array.from({ length: count }, (_, i) => {
    // On schedule the clicks happen as they are sent; else they are all of about now.
    const dueMs = plan.rate === undefined ? 0 : (i * plan.batchRows * 1000) / plan.rate;
    return workload.body(plan.batchRows, startMs + dueMs);
  });
}

async function run(): Promise<LoadReport> {
  const ackMs: number[] = [];
  let refusals = 0;
  let next = 0;
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const sendDue = async (): Promise<void> => {
    for (let i = next++; i < bodies.length; i = next++) {
      let from = performance.now();
      if (plan.rate !== undefined) {
        from = start + (i * plan.batchRows * 1000) / plan.rate;
        const waitMs = from - performance.now();
        if (waitMs > 0) await delay(waitMs);
      }
      while (!(await sender.send(bodies[i]!))) {
        refusals++;
        await delay(20);
      }
      ackMs.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: plan.connections }, sendDue));
  const cpu = process.cpuUsage(cpuBefore);
  return {
    clicks: bodies.length * plan.batchRows,
    bytes: bodies.reduce((sum, body) => sum + body.length, 0),
    seconds: (performance.now() - start) / 1000,
    ackMs: ackMs.map((ms) => Math.round(ms * 100) / 100),
    refusals,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}
