/**
 * Top-100 and the count of one ad over 60 minutes, clicktally and its peers in turns, each while the others are stopped, on the same
 * clicks: about 2 million minute rows an hour. Every window is asked once, so that no cache of answers helps, and all
 * must give the same answer.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { minuteMs } from "../src/model/time.ts";
import { Random } from "../src/traffic/random.ts";
import type { Window } from "./peers/minute-answers.ts";
import { Postgresql } from "./peers/postgresql.ts";
import { startClickHouse, startClicktally, startDuckDb, startPostgresql } from "./query-servers.ts";
import type { QueryServer } from "./query-servers.ts";
import type { RowContext } from "./suite/context.ts";
import { percentile } from "./suite/statistics.ts";
import { Workload } from "./workload.ts";

const windowMinutes = 60;
/** Minutes in front of those that are measured, of which windows of other lengths are asked first. */
const warmUpMinutes = 5;
/** So many: all are to answer from compiled code. */
const warmUpWindows = 40;
const wakeUpMs = 200;

export async function measure(context: RowContext): Promise<void> {
  const { quick, rounds, tell } = context;
  const clicksAMinute = quick ? 2_000 : 62_000;
  const windowsARound = quick ? 3 : 8;
  const minutes = windowMinutes + warmUpMinutes + rounds * windowsARound;
  const startMs = Math.floor(Date.now() / minuteMs) * minuteMs - minutes * minuteMs;

  await using stack = new AsyncDisposableStack();
  const servers: QueryServer[] = [];
  const starts = [startClicktally, startClickHouse, startDuckDb];
  if (Postgresql.isInstalled()) starts.push(startPostgresql);
  for (const start of starts) servers.push(stack.use(await start(clicksAMinute)));

  tell(`loading ${minutes} minutes of ${clicksAMinute} clicks into each of ${servers.length}`);
  const workload = new Workload(1, { duplicateShare: 0 });
  const ads: string[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    const clicks = workload.clicks(clicksAMinute, startMs + minute * minuteMs + minuteMs - 1);
    await Promise.all(servers.map((server) => server.add(clicks)));
    ads.push(...clicks.filter((_, i) => i % 1000 === 0).map(({ ad_id }) => ad_id));
  }
  for (const server of servers) await server.settled();
  // What loading leaves to do in the background is not what is measured.
  await delay(quick ? 500 : 10_000);

  const random = new Random(1);
  const windowFrom = (minute: number, length = windowMinutes): Window => {
    const fromMs = startMs + minute * minuteMs;
    return { adId: random.pick(ads), fromMs, toMs: fromMs + length * minuteMs };
  };
  const warmUp = Array.from({ length: quick ? warmUpMinutes : warmUpWindows }, (_, i) =>
    windowFrom(i % warmUpMinutes, windowMinutes - Math.floor(i / warmUpMinutes)),
  );
  await askAll(servers, warmUp);
  for (let round = 0; round < rounds; round++) {
    tell(`round ${round + 1}`);
    const asked = await askAll(
      servers,
      Array.from({ length: windowsARound }, (_, i) =>
        windowFrom(warmUpMinutes + round * windowsARound + i),
      ),
    );
    for (const [name, { topMs, countMs }] of asked) {
      context.note("query.top_p50", name, percentile(topMs, 0.5));
      context.note("query.top_p99", name, percentile(topMs, 0.99));
      context.note("query.count_p50", name, percentile(countMs, 0.5));
      context.note("query.count_p99", name, percentile(countMs, 0.99));
    }
  }
}

interface Timings {
  readonly topMs: number[];
  readonly countMs: number[];
}

/** Asks each server about all windows, and compares the answers. */
async function askAll(
  servers: readonly QueryServer[],
  windows: readonly Window[],
): Promise<Map<string, Timings>> {
  const timings = new Map<string, Timings>();
  let expected: string[] | undefined;
  for (const server of servers) {
    const { topMs, countMs }: Timings = { topMs: [], countMs: [] };
    const answers: string[] = [];
    await alone(server, servers, async () => {
      for (const window of windows)
        answers.push(
          await timed(topMs, () => server.top(window)),
          await timed(countMs, () => server.count(window)),
        );
    });
    timings.set(server.name, { topMs, countMs });
    expected ??= answers;
    assert.deepEqual(answers, expected, `${server.name} gives other answers`);
  }
  return timings;
}

/** Runs while all other processes are stopped. */
async function alone(
  server: QueryServer,
  all: readonly QueryServer[],
  ask: () => Promise<void>,
): Promise<void> {
  const others = all.filter((other) => other !== server);
  for (const { pid } of others) process.kill(pid, "SIGSTOP");
  try {
    await delay(wakeUpMs);
    await ask();
  } finally {
    for (const { pid } of others) process.kill(pid, "SIGCONT");
  }
}

async function timed<T>(timings: number[], ask: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const answer = await ask();
  timings.push(performance.now() - start);
  return answer;
}
