/** What is measured: clicktally and its peers, each taking the same clicks. */
import type { StatusAnswer } from "../src/query/query-service.ts";
import { ClickHouseServer } from "../test/support/clickhouse-server.ts";
import { ClickHouse } from "./peers/clickhouse.ts";
import { DuckDb } from "./peers/duckdb.ts";
import type { PeerName } from "./peers/lacks.ts";
import { Postgresql } from "./peers/postgresql.ts";
import { Redis } from "./peers/redis.ts";
import {
  cpuSecondsOf,
  cpuSecondsOfFamily,
  residentBytesOf,
  residentBytesOfFamily,
} from "./processes.ts";
import { fieldOf, minuteKey } from "./senders/redis.ts";
import type { Target } from "./senders/sender.ts";
import { Clicktally } from "./service.ts";
import { clicktally } from "./suite/figures.ts";

export interface Server extends AsyncDisposable {
  readonly target: Target;
  cpuSeconds(): number;
  residentBytes(): number;
  /** Resolves once everything that was acknowledged is queryable. */
  caughtUp(): Promise<void>;
  /** A click that comes twice counts once. */
  readonly removesDuplicates: boolean;
  /** Of all minutes. */
  totalCount(): Promise<number>;
  /** Of a click of `probeDimensions` that happened now or in the minute before. */
  countOf(adId: string): Promise<number>;
  /** After compaction and checkpoint, without and with what waits in a queue or log. May stop the server. */
  settledBytes(): Promise<{ readonly store: number; readonly all: number }>;
}

export const probeDimensions = { country: "US", device: "mobile" };

interface Measured {
  readonly start: () => Promise<Server>;
  /** Why it can't be measured here. */
  readonly missing?: () => string | undefined;
}

const postgresqlMissing = (): string | undefined =>
  Postgresql.isInstalled() ? undefined : "there is no /usr/lib/postgresql (Debian: postgresql)";
const redisMissing = (): string | undefined =>
  Redis.isInstalled() ? undefined : "there is no redis-server (Debian: redis-server)";

export type ServerName = typeof clicktally | "clicktally over ClickHouse" | PeerName;

/** By name, in the order of the tables. */
export const servers: Readonly<Record<ServerName, Measured>> = {
  [clicktally]: { start: () => startClicktally() },
  "clicktally over ClickHouse": { start: startOverClickHouse },
  ClickHouse: { start: () => startClickHouse("sync") },
  "ClickHouse, async inserts": { start: () => startClickHouse("async") },
  DuckDB: { start: startDuckDb },
  PostgreSQL: { start: startPostgresql, missing: postgresqlMissing },
  "Redis, everysec": { start: () => startRedis("everysec"), missing: redisMissing },
  "Redis, always": { start: () => startRedis("always"), missing: redisMissing },
};

/** Those that can be measured on this machine; says of the others why not. */
export function presentServers(tell: (text: string) => void): ServerName[] {
  return (Object.keys(servers) as ServerName[]).filter((name) => {
    const reason = servers[name].missing?.();
    if (reason !== undefined) tell(`${name} is not measured: ${reason}`);
    return reason === undefined;
  });
}

async function startClicktally(settings: Readonly<Record<string, string>> = {}): Promise<Server> {
  return serverOf(await Clicktally.start(settings));
}

/** A running service, which goes with it. */
export function serverOf(service: Clicktally): Server {
  return {
    target: { kind: "http", url: service.insertUrl },
    cpuSeconds: () => cpuSecondsOf(service.pid),
    residentBytes: () => residentBytesOf(service.pid),
    caughtUp: () => service.caughtUp(),
    removesDuplicates: true,
    totalCount: async () => {
      const { counted, restated } = (await service.get<StatusAnswer>("/v1/status")).totals;
      return counted + restated;
    },
    countOf: (adId) => countOfRecent(service, adId),
    settledBytes: async () => {
      await service.stop("SIGTERM");
      return service.bytesOnDisk();
    },
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

/** 0 where the service can't tell for now: then it is not queryable. */
export async function countOfRecent(service: Clicktally, adId: string): Promise<number> {
  const path = `/v1/ads/${adId}/aggregated_count?window=60`;
  return (await service.getIfKnown<{ readonly count: number }>(path))?.count ?? 0;
}

/** CPU and memory are of clicktally alone, bytes of both. */
async function startOverClickHouse(): Promise<Server> {
  const store = await ClickHouseServer.start();
  const service = await startClicktally({
    CLICKTALLY_STORE_KIND: "clickhouse",
    CLICKTALLY_STORE_URLS: store.url,
  }).catch(async (error: unknown) => {
    await store[Symbol.asyncDispose]();
    throw error;
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

async function startClickHouse(inserts: "sync" | "async"): Promise<Server> {
  const server = await ClickHouse.start();
  return {
    target: { kind: "http", url: inserts === "sync" ? server.insertUrl : server.asyncInsertUrl },
    cpuSeconds: () => cpuSecondsOf(server.pid),
    residentBytes: () => residentBytesOf(server.pid),
    // It answers an insert once its rows are queryable.
    caughtUp: () => Promise.resolve(),
    removesDuplicates: false,
    totalCount: async () => Number(await server.query("SELECT sum(clicks) FROM bench.minutes")),
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

async function startDuckDb(): Promise<Server> {
  const server = await DuckDb.start();
  return {
    target: { kind: "http", url: server.insertUrl },
    cpuSeconds: () => cpuSecondsOf(server.pid),
    residentBytes: () => residentBytesOf(server.pid),
    caughtUp: () => Promise.resolve(),
    removesDuplicates: false,
    totalCount: async () => Number(await server.query("SELECT sum(clicks) FROM minutes")),
    countOf: async (adId) => {
      const since = "now()::TIMESTAMP - INTERVAL 60 MINUTE";
      return Number(
        await server.query(
          `SELECT coalesce(sum(clicks), 0) FROM minutes WHERE ad_id = '${adId}' AND minute >= ${since}`,
        ),
      );
    },
    settledBytes: async () => {
      const bytes = await server.checkpointedBytes();
      return { store: bytes, all: bytes };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function startPostgresql(): Promise<Server> {
  const server = await Postgresql.start();
  return {
    target: { kind: "postgresql", port: server.port },
    cpuSeconds: () => cpuSecondsOfFamily(server.pid),
    residentBytes: () => residentBytesOfFamily(server.pid),
    caughtUp: () => Promise.resolve(),
    removesDuplicates: true,
    totalCount: async () => Number(await server.query("SELECT sum(clicks) FROM minutes")),
    countOf: async (adId) =>
      Number(
        await server.query(
          `SELECT coalesce(sum(clicks), 0) FROM minutes WHERE ad_id = '${adId}' AND minute >= now() - interval '60 minutes'`,
        ),
      ),
    settledBytes: () => server.bytes(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const sumOfMinutes = `local sum = 0
  for _, minute in ipairs(redis.call('KEYS', 'm:*')) do
    for _, count in ipairs(redis.call('HVALS', minute)) do sum = sum + count end
  end
  return sum`;

async function startRedis(fsync: "everysec" | "always"): Promise<Server> {
  const server = await Redis.start(fsync);
  const minuteMs = 60_000;
  return {
    target: { kind: "redis", port: server.port },
    cpuSeconds: () => cpuSecondsOf(server.pid),
    residentBytes: () => residentBytesOf(server.pid),
    caughtUp: () => Promise.resolve(),
    removesDuplicates: true,
    totalCount: async () => Number(await server.call("EVAL", sumOfMinutes, "0")),
    countOf: async (adId) => {
      const field = fieldOf({ ad_id: adId, ...probeDimensions });
      let count = 0;
      for (const ms of [Date.now(), Date.now() - minuteMs])
        count += Number((await server.call("HGET", minuteKey(ms), field)) ?? 0);
      return count;
    },
    settledBytes: () => {
      const bytes = server.bytesOnDisk();
      return Promise.resolve({ store: bytes, all: bytes });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
