/**
 * clicktally under load, open loop: acks and freshness at rising rates; 100 queries a second beside 100,000 clicks a second; and
 * more clicks than it can take: who is refused, how soon, and how soon all is well again.
 */
import { setTimeout as delay } from "node:timers/promises";
import { minuteMs } from "../src/model/time.ts";
import { holdRate } from "./hold-rate.ts";
import type { Window } from "./peers/minute-answers.ts";
import { PreparedLoad, acksOf } from "./prepared-load.ts";
import { queriesOf } from "./query-servers.ts";
import type { QueryServer } from "./query-servers.ts";
import { recoverySeconds } from "./recovery.ts";
import { serverOf, servers } from "./servers.ts";
import { Clicktally } from "./service.ts";
import type { RowContext } from "./suite/context.ts";
import { clicktally } from "./suite/figures.ts";
import { percentile } from "./suite/statistics.ts";
import { Workload } from "./workload.ts";

const rates = [10_000, 50_000, 100_000, 200_000];
const queriesASecond = 100;
/** Every fifth query is a Top-100, the others are counts. */
const topEvery = 5;
/** What a sender does not notice. */
const slowMs = 250;

export async function measure(context: RowContext): Promise<void> {
  for (let round = 0; round < Math.min(2, context.rounds); round++) {
    const attempt = (what: string, work: () => Promise<void>): Promise<void> =>
      context.attempt(`round ${round + 1}: ${what}`, work);
    for (const rate of rates)
      await attempt(`${rate} clicks/s`, () => measureRate(context, rate, round));
    await attempt("queries beside", () => measureBeside(context, round));
    await attempt("overload", () => measureOverload(context, round));
  }
}

async function measureRate({ quick, note }: RowContext, rate: number, seed: number): Promise<void> {
  await using server = await servers[clicktally].start();
  const held = await holdRate(server, { rate, seconds: quick ? 2 : 5, seed });
  const place = { axis: "rate", at: rate } as const;
  note("load.rate", clicktally, held.clicksASecond, place);
  note("load.ack_p50", clicktally, percentile(held.acksMs, 0.5), place);
  note("load.ack_p99", clicktally, percentile(held.acksMs, 0.99), place);
  note("load.fresh_p50", clicktally, percentile(held.freshMs, 0.5), place);
  note("load.fresh_p99", clicktally, percentile(held.freshMs, 0.99), place);
  note("load.refused", clicktally, held.refused * 100, place);
}

/** The last hour has clicks already, so that the queries have something to do. */
async function measureBeside({ quick, note }: RowContext, seed: number): Promise<void> {
  const clicksAMinute = quick ? 1_000 : 20_000;
  await using service = await Clicktally.start();
  const queries = queriesOf(service, clicksAMinute);
  const workload = new Workload(seed + 1_000, { duplicateShare: 0 });
  const endMs = Math.floor(Date.now() / minuteMs) * minuteMs;
  for (let minute = 60; minute > 0; minute--)
    await queries.add(workload.clicks(clicksAMinute, endMs - (minute - 1) * minuteMs - 1));
  await queries.settled();
  let running = true;
  const [held, { times, seconds }] = await Promise.all([
    holdRate(serverOf(service), { rate: 100_000, seconds: quick ? 2 : 8, seed }).finally(
      () => (running = false),
    ),
    ask(queries, workload, () => running),
  ]);
  note("beside.queries", clicktally, times.length / seconds);
  note("beside.query_p50", clicktally, percentile(times, 0.5));
  note("beside.query_p99", clicktally, percentile(times, 0.99));
  note("beside.rate", clicktally, held.clicksASecond);
  note("beside.ack_p99", clicktally, percentile(held.acksMs, 0.99));
  note("beside.fresh_p99", clicktally, percentile(held.freshMs, 0.99));
}

/** Asks on schedule, open loop: milliseconds from when a question was due to its answer. */
async function ask(
  queries: Pick<QueryServer, "top" | "count">,
  workload: Workload,
  isRunning: () => boolean,
): Promise<{ readonly times: readonly number[]; readonly seconds: number }> {
  const times: number[] = [];
  const asked: Promise<void>[] = [];
  const start = performance.now();
  for (let i = 0; isRunning(); i++) {
    const due = start + (i * 1000) / queriesASecond;
    await delay(Math.max(0, due - performance.now()));
    const toMs = Date.now();
    const window: Window = { adId: workload.next(toMs).ad_id, fromMs: toMs - 60 * minuteMs, toMs };
    const answer = i % topEvery === 0 ? queries.top(window) : queries.count(window);
    asked.push(answer.then(() => void times.push(performance.now() - due)));
  }
  await Promise.all(asked);
  return { times, seconds: (performance.now() - start) / 1000 };
}

async function measureOverload({ quick, note, tell }: RowContext, seed: number): Promise<void> {
  const usual = { rate: 20_000, seconds: 2 };
  const over = { rate: 500_000, seconds: quick ? 1 : 4 };
  const after = { rate: 20_000, seconds: quick ? 2 : 8 };
  await using service = await Clicktally.start();
  await using load = await PreparedLoad.prepare({
    target: { kind: "http", url: service.insertUrl },
    send: { phases: [usual, over, after] },
    batchRows: 500,
    // More than the bodies that may wait, so that it is the service that says no.
    connections: 768,
    seed,
    refused: "dropped",
  });
  const report = await load.run();
  const [fromMs, toMs] = [usual.seconds * 1000, (usual.seconds + over.seconds) * 1000];
  const during = report.bodies.filter(({ dueMs }) => dueMs >= fromMs && dueMs < toMs);
  const refused = during.filter(({ ackMs }) => ackMs === null);
  const refusalMs = report.bodies.flatMap((body) => body.refusalMs);
  note("overload.offered", clicktally, over.rate);
  // Those that waited at its end were taken in after it: what counts is when the last one was.
  const lastMs = Math.max(toMs, ...during.map(({ dueMs, ackMs }) => dueMs + (ackMs ?? 0)));
  const taken = (during.length - refused.length) * 500;
  note("overload.rate", clicktally, (taken * 1000) / (lastMs - fromMs));
  note("overload.refused", clicktally, (refused.length / during.length) * 100);
  note("overload.refusal_p50", clicktally, percentile(refusalMs, 0.5));
  note("overload.refusal_p99", clicktally, percentile(refusalMs, 0.99));
  note("overload.ack_p99", clicktally, percentile(acksOf(report, fromMs, toMs), 0.99));
  const recovery = recoverySeconds(report.bodies, toMs, slowMs);
  if (recovery === undefined) tell(`not recovered within ${after.seconds} s`);
  note("overload.recovery", clicktally, recovery ?? after.seconds);
}
