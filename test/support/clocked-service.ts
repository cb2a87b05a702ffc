/** The whole service in this process, with a wall clock that the test sets: real queue, real store, real HTTP. */

import type { AddressInfo } from "node:net";
import { AdminLog } from "../../src/access/admin-log.ts";
import { KeyRing } from "../../src/access/key-ring.ts";
import { join } from "node:path";
import { createServer } from "../../src/api/server.ts";
import { systemClock } from "../../src/clock/system-clock.ts";
import type { Settings } from "../../src/config.ts";
import { loadSettings, semanticConfigOf } from "../../src/config.ts";
import type { SettingName } from "../../src/config/keys.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { openEngine } from "../../src/engine/engine.ts";
import { Ingest } from "../../src/ingest/accept.ts";
import { AdmissionGate } from "../../src/ingest/backpressure.ts";
import { silentLog } from "../../src/logging/log.ts";
import { ServiceMetrics } from "../../src/metrics/service-metrics.ts";
import { soundHealth } from "../../src/model/health.ts";
import { announced } from "../../src/queue/announced-queue.ts";
import { openSqliteQueueReader } from "../../src/queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../../src/queue/sqlite/writer.ts";
import { openDuckDbStore } from "../../src/store/duckdb/duckdb-store.ts";
import { eventually } from "./eventually.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export type Json = Readonly<Record<string, unknown>>;

export class ClockedService implements AsyncDisposable {
  readonly url: string;
  private readonly clock: { nowMs: number };
  private readonly ingest: Ingest;
  private readonly engine: Engine;
  private readonly idleLagMs: number;
  private readonly resources: AsyncDisposable;

  private constructor(
    url: string,
    clock: { nowMs: number },
    ingest: Ingest,
    engine: Engine,
    settings: Settings,
    resources: AsyncDisposable,
  ) {
    this.url = url;
    this.clock = clock;
    this.ingest = ingest;
    this.engine = engine;
    this.idleLagMs = settings.watermark.idleLagMs;
    this.resources = resources;
  }

  static async start(
    startMs: number,
    flags: Readonly<Partial<Record<SettingName, string>>> = {},
  ): Promise<ClockedService> {
    await using resources = new AsyncDisposableStack();
    const directory = resources.use(await temporaryDirectory());
    const settings = loadSettings({ flags: { "log.level": "silent", ...flags } });
    const time = { nowMs: startMs };
    const clock = { ...systemClock, nowMs: () => time.nowMs };
    const path = join(directory.path, "queue.sqlite");
    const partitionCount = settings.queue.partitions;
    const writer = resources.use(
      await openSqliteQueueWriter({ path, partitionCount, maxBytes: 1e9 }),
    );
    const running: { engine?: Engine } = {};
    const log = announced(writer, {
      appended: (partition) => running.engine?.notify(partition),
      failed: () => {},
    });
    const semantic = semanticConfigOf(settings);
    const ingest = resources.use(
      new Ingest(log, clock, {
        layout: semantic.dimensions,
        unknownFields: "ignore",
        missingEventId: "derive",
        maxFutureMs: settings.watermark.maxFutureMs,
        bodyBytesMax: 1e6,
        decompressedBytesMax: 1e6,
        itemsMax: 1e4,
      }),
    );
    const config = { ...semantic, generation: 1, fromMinute: 0 };
    await ingest.appendControl({ type: "config", config });
    const engine = resources.use(
      await openEngine({
        clock,
        queue: await openSqliteQueueReader({ path }),
        store: await openDuckDbStore({
          path: join(directory.path, "store.duckdb"),
          memoryBytesMax: 256e6,
          threads: 1,
        }),
        limits: { delayMsMax: 5, clicksMax: 1_000 },
        dedupBytesMax: 1e9,
        hotBytesMax: 1e8,
        secret: new Uint8Array(32),
        placeholderConfig: { ...config, generation: 0 },
        configGeneration: 1,
        trim: async () => {},
        queueBytes: async () => 0,
        onDedupFull: () => {},
        onProblem: () => {},
      }),
    );
    running.engine = engine;
    const server = createServer({
      ingest,
      query: engine.query,
      backups: { backup: () => Promise.reject(new Error("no backups of a clocked service")) },
      exports: { exportDay: () => Promise.reject(new Error("no exports of a clocked service")) },
      admission: new AdmissionGate(settings.limits),
      settings,
      log: silentLog(),
      keys: KeyRing.none(silentLog()),
      adminLog: new AdminLog(undefined, silentLog()),
      readiness: () => ({ ready: true }),
      health: () => soundHealth,
      watchers: async () => [],
      metrics: new ServiceMetrics({
        status: () => engine.query.status(),
        engineText: async () => "",
      }),
      version: "0.0.0",
    });
    resources.defer(async () => {
      await server.close();
    });
    await server.listen({ host: "127.0.0.1", port: 0 });
    const { port } = server.server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    return new ClockedService(url, time, ingest, engine, settings, resources.move());
  }

  /** Sets the clock, epoch ms. */
  set(nowMs: number): void {
    this.clock.nowMs = nowMs;
  }

  /** Silence up to now: a tick, and all that it brings about. */
  async tick(): Promise<void> {
    const partitions = await this.ingest.tick(this.idleLagMs);
    if (partitions.length === 0) throw new Error("clicks have come too lately for a tick");
    await eventually("the tick is committed", async () => {
      const { partitions: progress } = await this.engine.query.status();
      return progress.every(({ lag_records: lag }) => lag === 0) || undefined;
    });
  }

  async get(path: string): Promise<Json> {
    return (await (await fetch(this.url + path)).json()) as Json;
  }

  async getText(path: string, accept: string): Promise<string> {
    return await (await fetch(this.url + path, { headers: { accept } })).text();
  }

  async post(path: string, body: unknown, contentType = "application/json"): Promise<Json> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const headers = { "content-type": contentType };
    const response = await fetch(this.url + path, { method: "POST", body: text, headers });
    return { status: response.status, ...((await response.json()) as Json) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources[Symbol.asyncDispose]();
  }
}
