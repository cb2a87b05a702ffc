/**
 * The three roles over Kafka (three brokers) and ClickHouse, each role a process: clicks a second, and the CPU that a click
 * costs in each. Everything shares the machine's cores, so that the CPU a click is what other machines can be sized by,
 * not the clicks a second. Then a lower rate on schedule, with freshness probed at the query process; medians.
 *
 *   node bench/roles.ts [--rounds 3] [--clicks 600000] [--batch 10000] [--connections 4]
 *                       [--steady-rate 10000] [--steady-seconds 10]
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { KafkaCluster } from "../test/cluster/kafka-cluster.ts";
import { ClickHouseServer } from "../test/support/clickhouse-server.ts";
import { cpuSecondsOf, median, percentile, prepareLoad, residentBytesOf } from "./processes.ts";
import { clusterSettings } from "./cluster-settings.ts";
import { Clicktally } from "./service.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    clicks: { type: "string", default: "600000" },
    batch: { type: "string", default: "10000" },
    connections: { type: "string", default: "4" },
    "steady-rate": { type: "string", default: "10000" },
    "steady-seconds": { type: "string", default: "10" },
  },
});

const partitionCount = 8;
const probeEveryMs = 100;
const pollEveryMs = 10;

const roles = ["ingest", "aggregate", "query"] as const;
type Role = (typeof roles)[number];

const rows = new Map<string, number[]>();
const note = (title: string, value: number): void => {
  const values = rows.get(title);
  if (values) values.push(value);
  else rows.set(title, [value]);
};

await using brokers = await KafkaCluster.start(3);
await using store = await ClickHouseServer.start();
for (let round = 0; round < Number(flags.rounds); round++) {
  const name = `bench_${round}`;
  const settings = clusterSettings(name, partitionCount, {
    brokers: brokers.brokers,
    storeUrl: store.url,
  });
  const start = (role: Role): Promise<Clicktally> =>
    Clicktally.start({ ...settings, CLICKTALLY_ROLE: role });
  await using aggregate = await start("aggregate");
  await using ingest = await start("ingest");
  await using query = await start("query");
  const processes: Readonly<Record<Role, Clicktally>> = { ingest, aggregate, query };
  await measureFullSpeed(processes, round);
  await measureSteady(processes, round);
  console.error(`round ${round + 1}: ${JSON.stringify([...rows])}`);
}
console.log(`| what (medians of ${flags.rounds}) | three roles |\n|---|---|`);
for (const [title, values] of rows)
  console.log(
    `| ${title} | ${median(values).toLocaleString("en-US", { maximumFractionDigits: 2 })} |`,
  );

async function measureFullSpeed(
  processes: Readonly<Record<Role, Clicktally>>,
  seed: number,
): Promise<void> {
  const go = await prepareLoad({
    url: processes.ingest.insertUrl,
    contentType: "application/x-ndjson",
    clicks: Number(flags.clicks),
    batchRows: Number(flags.batch),
    connections: Number(flags.connections),
    seed,
  });
  const cpu = cpuOf(processes);
  const started = performance.now();
  const report = await go();
  await processes.query.caughtUp();
  const seconds = (performance.now() - started) / 1000;
  note("clicks/s acknowledged", report.clicks / report.seconds);
  note("clicks/s until all are queryable", report.clicks / seconds);
  note("ack p99, full speed (ms)", percentile(report.ackMs, 0.99));
  for (const role of roles) {
    const used = cpuSecondsOf(processes[role].pid) - cpu[role];
    note(`CPU a click, ${role} (us)`, (used * 1e6) / report.clicks);
  }
  for (const role of roles)
    note(`resident memory, ${role} (MB)`, residentBytesOf(processes[role].pid) / 1e6);
}

async function measureSteady(
  processes: Readonly<Record<Role, Clicktally>>,
  seed: number,
): Promise<void> {
  const rate = Number(flags["steady-rate"]);
  const go = await prepareLoad({
    url: processes.ingest.insertUrl,
    contentType: "application/x-ndjson",
    clicks: rate * Number(flags["steady-seconds"]),
    batchRows: 500,
    connections: 8,
    rate,
    seed: seed + 1_000,
  });
  const cpu = cpuOf(processes);
  const started = performance.now();
  let running = true;
  const probing = probeFreshness(processes, seed, () => running);
  const report = await go();
  running = false;
  const seconds = (performance.now() - started) / 1000;
  for (const role of roles) {
    const used = cpuSecondsOf(processes[role].pid) - cpu[role];
    note(`CPU at ${rate}/s, ${role} (cores)`, used / seconds);
  }
  const freshnessMs = await probing;
  for (const share of [0.5, 0.99]) {
    note(`ack p${share * 100} at ${rate}/s (ms)`, percentile(report.ackMs, share));
    note(`freshness p${share * 100} at ${rate}/s (ms)`, percentile(freshnessMs, share));
  }
}

function cpuOf(processes: Readonly<Record<Role, Clicktally>>): Record<Role, number> {
  return Object.fromEntries(
    roles.map((role) => [role, cpuSecondsOf(processes[role].pid)]),
  ) as Record<Role, number>;
}

/** From sending a click to the ingest process until the query process counts it. */
async function probeFreshness(
  { ingest, query }: Readonly<Record<Role, Clicktally>>,
  round: number,
  isRunning: () => boolean,
): Promise<number[]> {
  const freshnessMs: number[] = [];
  for (let i = 0; isRunning(); i++) {
    const adId = `probe-${round}-${i}`;
    const click = { ad_id: adId, event_id: crypto.randomUUID(), click_timestamp: Date.now() };
    const sent = performance.now();
    const response = await fetch(ingest.insertUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(click),
    });
    if (!response.ok) throw new Error(`probe: ${response.status} ${await response.text()}`);
    await response.text();
    const path = `/v1/ads/${adId}/aggregated_count?window=60`;
    while ((await query.get<{ count: number }>(path)).count === 0) await delay(pollEveryMs);
    freshnessMs.push(performance.now() - sent);
    await delay(probeEveryMs);
  }
  return freshnessMs;
}
