/** The composition root of the embedded service: data directory, threads, HTTP. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as timeout } from "node:timers/promises";
import type { Transferable } from "node:worker_threads";
import { MessageChannel, Worker } from "node:worker_threads";
import { placeholderGeneration } from "./aggregate/state.ts";
import { createServer } from "./api/server.ts";
import type { Readiness } from "./api/service-parts.ts";
import { ExportWriter } from "./backup/export-writer.ts";
import { BackupWriter } from "./backup/write-backup.ts";
import { appendConfig, planConfig } from "./config/config-log.ts";
import type { Settings } from "./config.ts";
import { semanticConfigOf } from "./config.ts";
import { openDataDirectory } from "./data-directory.ts";
import { durableTextFile } from "./files/durable-file.ts";
import { AdmissionGate } from "./ingest/backpressure.ts";
import type { IngestService } from "./ingest/ingest-service.ts";
import { ServiceMetrics } from "./metrics/service-metrics.ts";
import { CodedError } from "./model/errors.ts";
import type { Health } from "./model/health.ts";
import { soundHealth } from "./model/health.ts";
import type { QueryService } from "./query/query-service.ts";
import { queryMethods } from "./query/query-service.ts";
import type { Service, StartOptions } from "./service.ts";
import type { Remote } from "./threads/endpoint.ts";
import { connect } from "./threads/endpoint.ts";
import type { EngineThreadData, IngestThreadData } from "./threads/thread-data.ts";

/** Between the tries to append to a full queue. */
const retryMs = 200;

/** Starts the whole service on a data directory; resolves when it answers and has recovered. */
export async function startService(settings: Settings, options: StartOptions): Promise<Service> {
  const { onProblem = () => {} } = options;
  await using resources = new AsyncDisposableStack();
  const directory = resources.use(await openDataDirectory(settings.dataDir));
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  const admission = new AdmissionGate(settings.limits);

  const between = new MessageChannel();
  const ingestThread = startThread(
    "ingest",
    {
      settings,
      queuePath: directory.queuePath,
      enginePort: between.port1,
    } satisfies IngestThreadData,
    [between.port1],
    { failed: (message: string) => failure.reject(new Error(`ingest stopped: ${message}`)) },
    failure.reject,
  );
  resources.defer(() => ingestThread.end());
  await ingestThread.remote.call("start", []);
  const ingest = ingestProxy(ingestThread.remote);
  const semantic = semanticConfigOf(settings);
  const configFile = durableTextFile(join(directory.path, "config.json"));
  const planned = await planConfig({
    file: configFile,
    settings: semantic,
    maxFutureMs: settings.watermark.maxFutureMs,
    hasStore: directory.hasStore,
    now: Date.now,
  });

  let health = soundHealth;
  const engineThread = startThread(
    "engine",
    {
      settings,
      queuePath: directory.queuePath,
      storePath: directory.storePath,
      databasePath: directory.databasePath,
      secret: directory.dedupSecret,
      placeholderConfig: { ...semantic, generation: placeholderGeneration, fromMinute: 0 },
      configGeneration: planned.config.generation,
      ingestPort: between.port2,
    } satisfies EngineThreadData,
    [between.port2],
    {
      problem: (what: string, error?: string) => onProblem(what, error),
      health: (told: Health) => {
        health = told;
      },
      failed: (message: string) => failure.reject(new Error(`the engine stopped: ${message}`)),
      dedupFull: (full: boolean) => {
        if (full)
          admission.close("dedup_full", "there is no memory left for ids; see dedup.max_bytes");
        else admission.reopen("dedup_full");
      },
    },
    failure.reject,
  );
  resources.defer(() => engineThread.end());
  const query = queryProxy(engineThread.remote);
  const backups = new BackupWriter({
    dataDirectory: directory.path,
    release: packageVersion(),
    nowMs: Date.now,
    copyData: (paths) => engineThread.remote.call("copyData", [paths]),
  });
  const exports = new ExportWriter({
    dataDirectory: directory.path,
    plan: (request) => query.planExport(request),
    exportDay: (day) => engineThread.remote.call("exportDay", [day]),
  });
  const recovered = engineThread.remote.call<void>("start", []);
  recovered.catch(() => {});
  // Before anybody can send a click.
  await whileFull(
    () => appendConfig(configFile, planned, ingest.appendControl),
    Promise.race([failure.promise, recovered.then(() => failure.promise)]),
    (error) => onProblem("the new settings wait until the click queue has room", String(error)),
  );

  let readiness: Readiness = { ready: false, reason: "recovering" };
  let url: string | undefined;
  if (options.listen) {
    const server = createServer({
      ingest,
      query,
      backups,
      exports,
      admission,
      settings,
      readiness: () => readiness,
      health: () => health,
      metrics: new ServiceMetrics({
        status: () => query.status(),
        engineText: () => engineThread.remote.call("metrics", []),
      }),
      version: packageVersion(),
    });
    resources.defer(() => server.close());
    url = await server.listen({ host: settings.host, port: settings.port });
  }
  await recovered;
  await ingestThread.remote.call("startTicks", []);
  readiness = { ready: true };

  const owned = resources.move();
  const stopped = Promise.withResolvers<void>();
  stopped.promise.catch(() => {});
  failure.promise.catch((error: unknown) => {
    readiness = { ready: false, reason: "failed" };
    admission.close("not_ready", "the service has failed and is stopping");
    stopped.reject(error);
  });
  return {
    ...(url === undefined ? {} : { url }),
    ingest,
    query,
    backups,
    exports,
    stopped: stopped.promise,
    async [Symbol.asyncDispose]() {
      readiness = { ready: false, reason: "stopping" };
      await owned.disposeAsync();
      stopped.resolve();
    },
  };
}

/** A full queue is emptied by the engine, which therefore runs already; what it does not take is tried again. */
async function whileFull(
  append: () => Promise<void>,
  failed: Promise<never>,
  onFull: (error: unknown) => void,
): Promise<void> {
  failed.catch(() => {});
  for (let tries = 1; ; tries++) {
    try {
      await append();
      return;
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "queue_full") throw error;
      if (tries === 1) onFull(error);
      await Promise.race([failed, timeout(retryMs)]);
    }
  }
}

interface Thread {
  readonly remote: Remote;
  /** Lets it finish what is in hand, then ends it. */
  end(): Promise<void>;
}

/** Runs `threads/NAME-thread.ts` (or its built form); a thread that dies fails the service. */
function startThread(
  name: "ingest" | "engine",
  workerData: IngestThreadData | EngineThreadData,
  transferList: Transferable[],
  methods: Readonly<Record<string, (...args: never[]) => unknown>>,
  fail: (error: Error) => void,
): Thread {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const path = new URL(`./threads/${name}-thread.${extension}`, import.meta.url);
  const worker = new Worker(path, { name, workerData, transferList });
  const remote = connect(worker, methods);
  let isEnding = false;
  let isDead = false;
  const died = (error: Error): void => {
    isDead = true;
    remote.close(error);
    if (!isEnding) fail(error);
  };
  worker.on("error", died);
  worker.on("exit", (code) => died(new Error(`the ${name} thread ended with code ${code}`)));
  return {
    remote,
    async end() {
      isEnding = true;
      try {
        if (!isDead) await remote.call("stop", []);
      } finally {
        await worker.terminate();
      }
    },
  };
}

function ingestProxy(remote: Remote): IngestService {
  return {
    accept(body) {
      const bytes = ownBytes(body.bytes);
      return remote.call("accept", [{ ...body, bytes }], [bytes.buffer]);
    },
    appendControl: (control) => remote.call("appendControl", [control]),
    appendBatch(batchBytes, source) {
      const bytes = ownBytes(batchBytes);
      return remote.call("appendBatch", [bytes, source], [bytes.buffer]);
    },
  };
}

/** Bytes in a buffer of their own, which can be given away; shared pools are left alone. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength)
    return new Uint8Array(buffer);
  return new Uint8Array(bytes);
}

function queryProxy(remote: Remote): QueryService {
  const calls = queryMethods.map(
    (name) => [name, (...args: unknown[]) => remote.call(name, args)] as const,
  );
  return Object.fromEntries(calls) as unknown as QueryService;
}

function packageVersion(): string {
  const content = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(content) as { version: string }).version;
}
