/**
 * The three roles over Kafka (three brokers) and ClickHouse, each role a process: clicks a second, and the CPU that a click
 * costs in each. Everything shares the machine's cores, so that the CPU a click is what other machines can be sized by,
 * not the clicks a second. Then a lower rate on schedule, with freshness probed at the query process; medians.
 *
 *   node bench/roles.ts [--rounds 3] [--clicks 600000] [--batch 10000] [--connections 4]
 *                       [--steady-rate 10000] [--steady-seconds 10]
 */
import { parseArgs } from "node:util";
import { KafkaCluster } from "../test/cluster/kafka-cluster.ts";
import { ClickHouseServer } from "../test/support/clickhouse-server.ts";
import { PreparedLoad, acksOf } from "./prepared-load.ts";
import { cpuSecondsOf, residentBytesOf } from "./processes.ts";
import { clusterSettings } from "./cluster-settings.ts";
import { probeFreshness } from "./freshness.ts";
import { countOfRecent } from "./servers.ts";
import { Clicktally } from "./service.ts";
import { median, percentile } from "./suite/statistics.ts";

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
  await using load = await PreparedLoad.prepare({
    target: { kind: "http", url: processes.ingest.insertUrl },
    send: { clicks: Number(flags.clicks) },
    batchRows: Number(flags.batch),
    connections: Number(flags.connections),
    seed,
  });
  const cpu = cpuOf(processes);
  const started = performance.now();
  const report = await load.run();
  await processes.query.caughtUp();
  const seconds = (performance.now() - started) / 1000;
  note("clicks/s acknowledged", report.clicks / report.seconds);
  note("clicks/s until all are queryable", report.clicks / seconds);
  note("ack p99, full speed (ms)", percentile(acksOf(report), 0.99));
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
  await using load = await PreparedLoad.prepare({
    target: { kind: "http", url: processes.ingest.insertUrl },
    send: { phases: [{ rate, seconds: Number(flags["steady-seconds"]) }] },
    batchRows: 500,
    connections: 8,
    seed: seed + 1_000,
  });
  const cpu = cpuOf(processes);
  const started = performance.now();
  const probed = {
    target: { kind: "http", url: processes.ingest.insertUrl },
    countOf: (adId: string) => countOfRecent(processes.query, adId),
  } as const;
  const probing = probeFreshness(probed, Number(flags["steady-seconds"]));
  const report = await load.run();
  const seconds = (performance.now() - started) / 1000;
  for (const role of roles) {
    const used = cpuSecondsOf(processes[role].pid) - cpu[role];
    note(`CPU at ${rate}/s, ${role} (cores)`, used / seconds);
  }
  const freshnessMs = (await probing).map(({ freshMs }) => freshMs);
  for (const share of [0.5, 0.99]) {
    note(`ack p${share * 100} at ${rate}/s (ms)`, percentile(acksOf(report), share));
    note(`freshness p${share * 100} at ${rate}/s (ms)`, percentile(freshnessMs, share));
  }
}

function cpuOf(processes: Readonly<Record<Role, Clicktally>>): Record<Role, number> {
  return Object.fromEntries(
    roles.map((role) => [role, cpuSecondsOf(processes[role].pid)]),
  ) as Record<Role, number>;
}
