/**
 * Ingest beside ClickHouse, and with ClickHouse as the store, in the same run, one after the other, several times; medians.
 * First as fast as it goes,
 * then 50,000 clicks a second on schedule with freshness probed through the API.
 *
 *   node bench/ingest.ts [--rounds 3] [--clicks 1500000] [--batch 10000] [--connections 4]
 *                        [--steady-seconds 10] [--steady-batch 500] [--steady-connections 16]
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ClickHouseServer } from "../test/support/clickhouse-server.ts";
import { ClickHouse } from "./peers/clickhouse.ts";
import { cpuSecondsOf, median, percentile, prepareLoad, residentBytesOf } from "./processes.ts";
import { Clicktally } from "./service.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    clicks: { type: "string", default: "1500000" },
    batch: { type: "string", default: "10000" },
    connections: { type: "string", default: "4" },
    "steady-seconds": { type: "string", default: "10" },
    "steady-batch": { type: "string", default: "500" },
    "steady-connections": { type: "string", default: "16" },
  },
});

const steadyRate = 50_000;
const probeEveryMs = 100;
const pollEveryMs = 4;

/** What is measured, of either. */
interface Server extends AsyncDisposable {
  readonly pid: number;
  readonly insertUrl: string;
  /** Resolves once everything that was acknowledged is queryable. */
  caughtUp(): Promise<void>;
  countOf(adId: string): Promise<number>;
  /** After compaction and checkpoint, without and with what waits in a queue. May stop the server. */
  settledBytes(): Promise<{ readonly store: number; readonly all: number }>;
}

interface Measured {
  readonly ackClicksASecond: number;
  readonly queryableClicksASecond: number;
  readonly fastAckP50Ms: number;
  readonly fastAckP99Ms: number;
  readonly serverCpuUs: number;
  readonly generatorCpuUs: number;
  readonly residentMb: number;
  readonly storeBytesAClick: number;
  readonly diskBytesAClick: number;
  readonly steadyAckP50Ms: number;
  readonly steadyAckP99Ms: number;
  readonly freshnessP50Ms: number;
  readonly freshnessP99Ms: number;
  readonly steadyCpuShare: number;
}

const rows: readonly [title: string, key: keyof Measured, digits: number][] = [
  ["clicks/s acknowledged", "ackClicksASecond", 0],
  ["clicks/s until all are queryable", "queryableClicksASecond", 0],
  ["ack p50, full speed (ms)", "fastAckP50Ms", 1],
  ["ack p99, full speed (ms)", "fastAckP99Ms", 1],
  ["server CPU a click (us)", "serverCpuUs", 2],
  ["generator CPU a click (us)", "generatorCpuUs", 2],
  ["resident memory after it (MB)", "residentMb", 0],
  ["bytes a click, raw + minutes", "storeBytesAClick", 1],
  ["bytes a click, all on disk", "diskBytesAClick", 1],
  ["ack p50 at 50 k/s (ms)", "steadyAckP50Ms", 1],
  ["ack p99 at 50 k/s (ms)", "steadyAckP99Ms", 1],
  ["freshness p50 at 50 k/s (ms)", "freshnessP50Ms", 0],
  ["freshness p99 at 50 k/s (ms)", "freshnessP99Ms", 0],
  ["server CPU at 50 k/s (cores)", "steadyCpuShare", 2],
];

const servers = {
  clicktally: startClicktally,
  "clicktally over ClickHouse": startOverClickHouse,
  ClickHouse: startClickHouse,
};
type ServerName = keyof typeof servers;
const names = Object.keys(servers) as ServerName[];
const results = new Map<ServerName, Measured[]>(names.map((name) => [name, []]));
for (let round = 0; round < Number(flags.rounds); round++) {
  for (const name of names) {
    const measured = {
      ...(await measureFullSpeed(servers[name], round)),
      ...(await measureSteady(servers[name], round)),
    };
    console.error(`round ${round + 1}, ${name}: ${JSON.stringify(measured)}`);
    results.get(name)!.push(measured);
  }
}
console.log(`| what (medians of ${flags.rounds}) | ${names.join(" | ")} |`);
console.log(`|---|${names.map(() => "---|").join("")}`);
for (const [title, key, digits] of rows) {
  const cells = names.map((name) =>
    median(results.get(name)!.map((measured) => measured[key])).toLocaleString("en-US", {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }),
  );
  console.log(`| ${title} | ${cells.join(" | ")} |`);
}

async function measureFullSpeed(start: () => Promise<Server>, seed: number) {
  await using server = await start();
  const go = await prepareLoad({
    url: server.insertUrl,
    contentType: "application/x-ndjson",
    clicks: Number(flags.clicks),
    batchRows: Number(flags.batch),
    connections: Number(flags.connections),
    seed,
  });
  const cpuBefore = cpuSecondsOf(server.pid);
  const started = performance.now();
  const report = await go();
  await server.caughtUp();
  const queryableSeconds = (performance.now() - started) / 1000;
  const cpuSeconds = cpuSecondsOf(server.pid) - cpuBefore;
  const residentMb = residentBytesOf(server.pid) / 1e6;
  const bytes = await server.settledBytes();
  return {
    ackClicksASecond: report.clicks / report.seconds,
    queryableClicksASecond: report.clicks / queryableSeconds,
    fastAckP50Ms: percentile(report.ackMs, 0.5),
    fastAckP99Ms: percentile(report.ackMs, 0.99),
    serverCpuUs: (cpuSeconds * 1e6) / report.clicks,
    generatorCpuUs: (report.cpuSeconds * 1e6) / report.clicks,
    residentMb,
    storeBytesAClick: bytes.store / report.clicks,
    diskBytesAClick: bytes.all / report.clicks,
  };
}

async function measureSteady(start: () => Promise<Server>, seed: number) {
  await using server = await start();
  const seconds = Number(flags["steady-seconds"]);
  const go = await prepareLoad({
    url: server.insertUrl,
    contentType: "application/x-ndjson",
    clicks: steadyRate * seconds,
    batchRows: Number(flags["steady-batch"]),
    connections: Number(flags["steady-connections"]),
    rate: steadyRate,
    seed,
  });
  const cpuBefore = cpuSecondsOf(server.pid);
  const started = performance.now();
  let running = true;
  const probing = probeFreshness(server, () => running);
  const report = await go();
  running = false;
  const cpuSeconds = cpuSecondsOf(server.pid) - cpuBefore;
  const elapsedSeconds = (performance.now() - started) / 1000;
  const freshnessMs = await probing;
  return {
    steadyAckP50Ms: percentile(report.ackMs, 0.5),
    steadyAckP99Ms: percentile(report.ackMs, 0.99),
    freshnessP50Ms: percentile(freshnessMs, 0.5),
    freshnessP99Ms: percentile(freshnessMs, 0.99),
    steadyCpuShare: cpuSeconds / elapsedSeconds,
  };
}

/** Sends single clicks of ads of their own, and asks for each until it is counted: ms from sending to the answer. */
async function probeFreshness(server: Server, isRunning: () => boolean): Promise<number[]> {
  const freshnessMs: number[] = [];
  for (let i = 0; isRunning(); i++) {
    const adId = `probe-${i}`;
    const click = {
      ad_id: adId,
      event_id: crypto.randomUUID(),
      click_timestamp: new Date().toISOString(),
      country: "US",
    };
    const sent = performance.now();
    const headers = { "content-type": "application/x-ndjson" };
    const response = await fetch(server.insertUrl, {
      method: "POST",
      headers,
      body: JSON.stringify(click),
    });
    if (!response.ok) throw new Error(`probe: ${response.status} ${await response.text()}`);
    await response.text();
    while ((await server.countOf(adId)) === 0) await delay(pollEveryMs);
    freshnessMs.push(performance.now() - sent);
    await delay(probeEveryMs);
  }
  return freshnessMs;
}

async function startClicktally(settings: Readonly<Record<string, string>> = {}): Promise<Server> {
  const service = await Clicktally.start(settings);
  return {
    pid: service.pid,
    insertUrl: service.insertUrl,
    caughtUp: () => service.caughtUp(),
    countOf: async (adId) =>
      (await service.get<{ count: number }>(`/v1/ads/${adId}/aggregated_count?window=60`)).count,
    settledBytes: async () => {
      await service.stop("SIGTERM");
      return service.bytesOnDisk();
    },
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

/** CPU and memory are of clicktally alone, bytes of both. */
async function startOverClickHouse(): Promise<Server> {
  const store = await ClickHouseServer.start();
  const service = await startClicktally({
    CLICKTALLY_STORE_KIND: "clickhouse",
    CLICKTALLY_STORE_URLS: store.url,
  });
  return {
    ...service,
    settledBytes: async () => {
      const { all: own } = await service.settledBytes();
      const bytes = Number(
        await store.query(
          "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'clicktally'",
        ),
      );
      return { store: bytes, all: own + bytes };
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

async function startClickHouse(): Promise<Server> {
  const server = await ClickHouse.start();
  return {
    pid: server.pid,
    insertUrl: server.insertUrl,
    // It answers an insert once its rows are queryable.
    caughtUp: () => Promise.resolve(),
    countOf: async (adId) => {
      const since = "now() - INTERVAL 60 MINUTE";
      return Number(
        await server.query(
          `SELECT sum(clicks) FROM bench.minutes WHERE ad_id = '${adId}' AND minute >= ${since}`,
        ),
      );
    },
    settledBytes: async () => {
      const bytes = await server.mergedBytes();
      return { store: bytes, all: bytes };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
