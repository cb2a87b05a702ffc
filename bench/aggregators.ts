/**
 * Processes that count over Kafka (three brokers) and ClickHouse: how fast one works off what waits, and two; how long it takes
 * until all partitions are counted again after one of two is killed, and after one joins. Everything shares the machine's
 * cores, so that the CPU a click is what other machines can be sized by, and what two do faster is the least of it.
 *
 *   node bench/aggregators.ts [--rounds 3] [--clicks 1000000]
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { partitionOf } from "../src/model/partition.ts";
import type { StatusAnswer } from "../src/query/query-service.ts";
import { KafkaCluster } from "../test/cluster/kafka-cluster.ts";
import { ClickHouseServer } from "../test/support/clickhouse-server.ts";
import { PreparedLoad } from "./prepared-load.ts";
import { cpuSecondsOf, residentBytesOf } from "./processes.ts";
import { clusterSettings } from "./cluster-settings.ts";
import { Clicktally } from "./service.ts";
import { median } from "./suite/statistics.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    clicks: { type: "string", default: "1000000" },
  },
});
const clickCount = Number(flags.clicks);
const partitionCount = 8;
const pollEveryMs = 20;
/** Measured between these shares of what waits, so that neither starts nor ends count. */
const measured = { from: 0.1, to: 0.9 };

/** An ad of each partition. */
const probeAds = Array.from({ length: partitionCount }, (_, partition) => {
  for (let i = 0; ; i++)
    if (partitionOf(Buffer.from(`probe-${i}`), partitionCount) === partition) return `probe-${i}`;
});

const rows = new Map<string, number[]>();
const note = (title: string, value: number): void => {
  rows.set(title, [...(rows.get(title) ?? []), value]);
};

await using brokers = await KafkaCluster.start(3);
await using store = await ClickHouseServer.start();
for (let round = 0; round < Number(flags.rounds); round++) {
  for (const processes of [1, 2]) await measure(processes, round);
  console.error(`round ${round + 1}: ${JSON.stringify([...rows])}`);
}
console.log(`| what (medians of ${flags.rounds}, ${clickCount} clicks) | |\n|---|---|`);
for (const [title, values] of rows)
  console.log(
    `| ${title} | ${median(values).toLocaleString("en-US", { maximumFractionDigits: 2 })} |`,
  );

async function measure(count: number, round: number): Promise<void> {
  const name = `aggregators_${round}_${count}`;
  const settings = clusterSettings(name, partitionCount, {
    brokers: brokers.brokers,
    storeUrl: store.url,
  });
  const start = (role: string): Promise<Clicktally> =>
    Clicktally.start({ ...settings, CLICKTALLY_ROLE: role });
  await using ingest = await start("ingest");
  await using load = await PreparedLoad.prepare({
    target: { kind: "http", url: ingest.insertUrl },
    send: { clicks: clickCount },
    batchRows: 10_000,
    connections: 4,
    seed: round,
  });
  await load.run();
  await using resources = new AsyncDisposableStack();
  const counting = await Promise.all(Array.from({ length: count }, () => start("aggregate")));
  for (const own of counting) resources.use(own);
  const asked = counting[0]!;
  const reach = async (share: number): Promise<{ clicks: number; atMs: number }> => {
    for (;;) {
      const clicks = sum(await Promise.all(counting.map(committed)));
      if (clicks >= share * clickCount) return { clicks, atMs: performance.now() };
      await delay(pollEveryMs);
    }
  };
  const from = await reach(measured.from);
  const cpu = counting.map(({ pid }) => cpuSecondsOf(pid));
  const to = await reach(measured.to);
  const used = counting.map(({ pid }, i) => cpuSecondsOf(pid) - cpu[i]!);
  const what = count === 1 ? "one process" : "two processes";
  const clicks = to.clicks - from.clicks;
  note(`clicks/s of what waits, ${what}`, clicks / ((to.atMs - from.atMs) / 1_000));
  note(`CPU a click, ${what} (us)`, (sum(used) * 1e6) / clicks);
  await until(async () => (await waiting(asked)) === 0);
  const bytes = counting.map(({ pid }) => residentBytesOf(pid) / 1e6);
  note(`resident memory of each, ${what} (MB)`, sum(bytes) / count);
  if (count === 1) return;
  await untilCounted(ingest, asked);
  const killedMs = performance.now();
  await counting[1]!.stop("SIGKILL");
  await untilCounted(ingest, asked);
  note("all partitions counted after one of two is killed (s)", secondsSince(killedMs));
  const joinedMs = performance.now();
  await counting[1]!.restart();
  note("the next one is ready (s)", secondsSince(joinedMs));
  await untilCounted(ingest, asked);
  note("all partitions counted after it joins (s)", secondsSince(joinedMs));
}

/** Clicks that this process has committed. */
async function committed({ url }: Clicktally): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^clicktally_commit_clicks_sum (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Clicks that are not counted yet. Who is busy with following says at times that it does not know. */
async function waiting(service: Clicktally): Promise<number> {
  const status = await service.getIfKnown<StatusAnswer>("/v1/status");
  if (!status) return clickCount;
  return sum(status.partitions.map((partition) => partition.lag_clicks ?? clickCount));
}

/** A new click of each partition is. */
async function untilCounted(ingest: Clicktally, asked: Clicktally): Promise<void> {
  const countOf = async (ad: string): Promise<number> => {
    const path = `/v1/ads/${ad}/aggregated_count?window=60`;
    for (;;) {
      const answer = await asked.getIfKnown<{ readonly count: number }>(path);
      if (answer) return answer.count;
      await delay(pollEveryMs);
    }
  };
  const before = await Promise.all(probeAds.map(countOf));
  const clicks = probeAds.map((ad_id) => ({
    ad_id,
    event_id: crypto.randomUUID(),
    click_timestamp: Date.now(),
  }));
  const response = await fetch(ingest.insertUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(clicks),
  });
  if (!response.ok) throw new Error(`probe: ${response.status} ${await response.text()}`);
  await until(async () => {
    const now = await Promise.all(probeAds.map(countOf));
    return now.every((count, i) => count > before[i]!);
  });
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(pollEveryMs);
}

function secondsSince(startMs: number): number {
  return (performance.now() - startMs) / 1_000;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
