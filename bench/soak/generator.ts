/**
 * A process of its own that sends the workload at a steady rate for as long as it takes, open loop: a body is due
 * when the schedule says so, whatever became of those before it. Bodies are made shortly ahead.
 *
 * Its argument is a SoakLoad as JSON. It prints `ready`, waits for a line on standard input, runs, and prints a
 * LoadSlice as JSON every second and once at the end.
 */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { BodySender } from "../body-sender.ts";
import { Workload } from "../workload.ts";

export interface SoakLoad {
  readonly url: string;
  readonly clicks: number;
  readonly batchRows: number;
  readonly connections: number;
  /** Clicks a second. */
  readonly rate: number;
  readonly seed: number;
}

/** What happened since the slice before. */
export interface LoadSlice {
  readonly isLast: boolean;
  readonly clicks: number;
  /** Of these clicks, those that repeat another; known at the end only. */
  readonly duplicates: number;
  readonly bytes: number;
  /** From when a body was due to its answer. */
  readonly ackMs: readonly number[];
  readonly refusals: number;
  readonly cpuSeconds: number;
}

/** Bodies that are made before they are due. */
const aheadMax = 50;
const sliceMs = 1_000;
const retryMs = 20;

const plan = JSON.parse(process.argv[2]!) as SoakLoad;
const sender = new BodySender(plan.url, "application/x-ndjson", plan.connections);
const workload = new Workload(plan.seed);
const bodyCount = Math.ceil(plan.clicks / plan.batchRows);
const bodyMs = (plan.batchRows * 1000) / plan.rate;
const ahead: Buffer[] = [];
let made = 0;
let next = 0;
let slice = { clicks: 0, bytes: 0, refusals: 0, ackMs: [] as number[] };
let cpuBefore = process.cpuUsage();

process.stdout.write("ready\n");
await once(process.stdin, "data");
const start = performance.now();
const startMs = Date.now();
const slices = setInterval(() => report(false), sliceMs);
await Promise.all([makeAhead(), ...Array.from({ length: plan.connections }, sendDue)]);
clearInterval(slices);
report(true);
process.exit(0);

async function makeAhead(): Promise<void> {
  while (made < bodyCount) {
    if (ahead.length < aheadMax) ahead.push(makeBody());
    // Answers and bodies that are due go first.
    if (ahead.length < aheadMax) await new Promise(setImmediate);
    else await delay(bodyMs);
  }
}

function makeBody(): Buffer {
  return workload.body(plan.batchRows, startMs + made++ * bodyMs);
}

async function sendDue(): Promise<void> {
  for (let i = next++; i < bodyCount; i = next++) {
    const dueMs = start + i * bodyMs;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await delay(waitMs);
    const body = ahead.shift() ?? makeBody();
    while (!(await sender.send(body))) {
      slice.refusals++;
      await delay(retryMs);
    }
    slice.clicks += plan.batchRows;
    slice.bytes += body.length;
    slice.ackMs.push(Math.round((performance.now() - dueMs) * 100) / 100);
  }
}

function report(isLast: boolean): void {
  const { user, system } = process.cpuUsage(cpuBefore);
  cpuBefore = process.cpuUsage();
  const duplicates = isLast ? workload.duplicates : 0;
  const cpuSeconds = (user + system) / 1e6;
  const line: LoadSlice = { isLast, ...slice, duplicates, cpuSeconds };
  slice = { clicks: 0, bytes: 0, refusals: 0, ackMs: [] };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
