/** The process that counts: data directory, threads, HTTP. By itself it is the whole service. */

import { AdminLog, adminLogName } from "../access/admin-log.ts";
import { setTimeout as timeout } from "node:timers/promises";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { placeholderGeneration } from "../aggregate/state.ts";
import { ExportWriter } from "../backup/export-writer.ts";
import { BackupWriter } from "../backup/write-backup.ts";
import { appendConfig, planConfig } from "../config/config-log.ts";
import type { Settings } from "../config.ts";
import { semanticConfigOf } from "../config.ts";
import { openDataDirectory } from "../data-directory.ts";
import { durableTextFile } from "../files/durable-file.ts";
import { AdmissionGate } from "../ingest/backpressure.ts";
import type { ProtectionSettings } from "../ingest/protect-batch.ts";
import type { Log } from "../logging/log.ts";
import { silentLog } from "../logging/log.ts";
import { ServiceMetrics } from "../metrics/service-metrics.ts";
import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";
import type { Health } from "../model/health.ts";
import { soundHealth } from "../model/health.ts";
import { formatMinute } from "../model/time.ts";
import type { Service, StartOptions } from "../service.ts";
import { ingestProxy, queryProxy, startThread, watchersOf } from "../threads/start-thread.ts";
import type { EngineThreadData, IngestThreadData } from "../threads/thread-data.ts";
import { clicksElsewhere } from "./elsewhere.ts";
import { Lifecycle } from "./lifecycle.ts";
import { listen } from "./listen.ts";
import { openKeys } from "./open-keys.ts";
import { sharedSettings } from "./shared-settings.ts";
import { toldTo } from "./told.ts";
import { packageVersion } from "./release.ts";

/** Between the tries to append to a full queue. */
const retryMs = 200;

/** On a data directory; resolves when it answers and has recovered. */
export async function startCounting(settings: Settings, options: StartOptions): Promise<Service> {
  const { log = silentLog() } = options;
  await using resources = new AsyncDisposableStack();
  const directory = resources.use(await openDataDirectory(settings.dataDir));
  const keys = options.listen ? resources.use(await openKeys(settings, options)) : undefined;
  const admission = new AdmissionGate(settings.limits);
  const lifecycle = new Lifecycle(admission, "recovering");

  const between = new MessageChannel();
  const ingestThread = startThread(
    "ingest",
    {
      settings,
      queuePath: directory.queuePath,
      enginePort: between.port1,
    } satisfies IngestThreadData,
    [between.port1],
    {
      told: toldTo(log),
      failed: (message: string) => lifecycle.fail(new Error(`ingest stopped: ${message}`)),
    },
    lifecycle.fail,
  );
  resources.defer(() => ingestThread.end());
  await ingestThread.remote.call("start", []);
  const ingest = {
    ...ingestProxy(ingestThread.remote),
    ...(settings.role === "aggregate" && clicksElsewhere),
  };
  const semantic = semanticConfigOf(settings);
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
      ingestPort: between.port2,
    } satisfies EngineThreadData,
    [between.port2],
    {
      told: toldTo(log),
      health: (told: Health) => {
        health = told;
        tellHealth(log, told);
      },
      failed: (message: string) => lifecycle.fail(new Error(`the engine stopped: ${message}`)),
      dedupFull: (full: boolean) => {
        ingestThread.remote.post("dedupFull", [full]);
        if (full) {
          admission.close("dedup_full", "there is no memory left for ids; see dedup.max_bytes");
          log.error("there is no memory left for ids: clicks are refused; see dedup.max_bytes");
        } else {
          admission.reopen("dedup_full");
          log.info("there is memory for ids again: clicks are taken");
        }
      },
    },
    lifecycle.fail,
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
  const isShared = settings.store.kind === "clickhouse";
  const ownFile = durableTextFile(directory.configPath);
  const configFile = isShared ? sharedSettings(engineThread.remote, ownFile) : ownFile;
  const planned = await planConfig({
    file: configFile,
    settings: semantic,
    maxFutureMs: settings.watermark.maxFutureMs,
    hasStore: directory.hasStore && !isShared,
    now: Date.now,
  });
  const { keyedIdsFromMinute } = planned.config;
  if (keyedIdsFromMinute !== undefined) {
    const secret = isShared
      ? await engineThread.remote.call<Uint8Array>("sharedSecret", [])
      : directory.dedupSecret;
    const protection = { secret, keyedIdsFromMinute } satisfies ProtectionSettings;
    await ingestThread.remote.call("protect", [protection]);
  }
  const recovered = engineThread.remote.call<void>("start", [planned.config.generation]);
  recovered.catch(() => {});
  // Before anybody can send a click.
  await untilTaken(
    () => appendConfig(configFile, planned, ingest.appendControl),
    Promise.race([lifecycle.failed, recovered.then(() => lifecycle.failed)]),
    (error) => log.warn(`the new settings wait until the click queue has room: ${String(error)}`),
  );

  const watchers = watchersOf(ingestThread.remote);
  let url: string | undefined;
  if (keys) {
    url = await listen(resources, lifecycle, {
      ingest,
      query,
      backups,
      exports,
      admission,
      settings,
      keys,
      adminLog: new AdminLog(join(directory.path, adminLogName), log),
      log,
      health: () => health,
      watchers,
      metrics: new ServiceMetrics({
        status: () => query.status(),
        engineText: () => engineThread.remote.call("metrics", []),
        watchers,
      }),
    });
  }
  // A start may wait for a store that is away; a thread that dies meanwhile ends it.
  await Promise.race([recovered, lifecycle.failed]);
  await ingestThread.remote.call("startTicks", []);
  if (options.listen && settings.role === "all") {
    await ingestThread.remote.call("startIntake", []);
    await ingestThread.remote.call("startWatchers", []);
  }
  lifecycle.ready();

  const parts = { ingest, query, backups, exports };
  return lifecycle.service(url === undefined ? parts : { url, ...parts }, resources.move());
}

/** What differs is told by who has found it. */
function tellHealth(log: Log, { ledgerImbalance, mismatchedMinutes }: Health): void {
  if (ledgerImbalance === 0 && mismatchedMinutes.length === 0) {
    log.info("the numbers are right again, as far as is known");
    return;
  }
  const minutes = mismatchedMinutes.map(formatMinute);
  log.error(
    { ledger_imbalance: ledgerImbalance, mismatched_minutes: minutes },
    "the numbers are not right",
  );
}

const passingCodes: ReadonlySet<ErrorCode> = new Set(["queue_full", "queue_unavailable"]);

/** A full queue is emptied by the engine, which therefore runs already; what it does not take is tried again. */
async function untilTaken(
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
      if (!(error instanceof CodedError) || !passingCodes.has(error.code)) throw error;
      if (tries === 1) onFull(error);
      await Promise.race([failed, timeout(retryMs)]);
    }
  }
}
