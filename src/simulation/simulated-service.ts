/** The real ingest, engine and settings' log, put together on simulated devices as main.ts does it on real ones. */

import { AuditMismatch } from "../audit/audit-mismatch.ts";
import { pause } from "../clock/clock.ts";
import type { ConfigFile } from "../config/config-log.ts";
import { appendConfig, planConfig } from "../config/config-log.ts";
import type { Engine } from "../engine/engine.ts";
import { openEngine } from "../engine/engine.ts";
import type { Ingest } from "../ingest/accept.ts";
import { CodedError } from "../model/errors.ts";
import { soundHealth } from "../model/health.ts";
import type { Health } from "../model/health.ts";
import { announced } from "../queue/announced-queue.ts";
import { engineSettings, hasReached, ingestOver, maxFutureMs, secret } from "./common-settings.ts";
import type { HistorySettings, SemanticSettings } from "./history.ts";
import type { ServiceUnderTest } from "./service-under-test.ts";
import { SimulatedQueue } from "./queue/simulated-queue.ts";
import { SimulatedStore } from "./store/simulated-store.ts";
import { sealed, unsealed } from "./world/chunk.ts";
import { fileNames } from "./world/file-names.ts";
import type { SimulatedProcess } from "./world/process.ts";

const whileFullMs = 200;

export interface ServiceOptions {
  readonly process: SimulatedProcess;
  readonly settings: HistorySettings;
  readonly semantic: SemanticSettings;
  /** Told that the process must end. */
  readonly failed: () => void;
  /** Told of what the service finds wrong with its own numbers. */
  readonly mismatched: (mismatch: AuditMismatch) => void;
}

export class SimulatedService implements ServiceUnderTest {
  readonly ingest: Ingest;
  readonly engine: Engine;
  readonly store: SimulatedStore;
  readonly queue: SimulatedQueue;
  readonly process: SimulatedProcess;
  /** As it was told last. */
  readonly health: () => Health;

  private constructor(
    process: SimulatedProcess,
    ingest: Ingest,
    engine: Engine,
    store: SimulatedStore,
    queue: SimulatedQueue,
    health: () => Health,
  ) {
    this.health = health;
    this.process = process;
    this.ingest = ingest;
    this.engine = engine;
    this.store = store;
    this.queue = queue;
  }

  /** Resolves when it is ready; never settles where the process dies meanwhile. */
  static async start({
    process,
    settings,
    semantic,
    failed,
    mismatched,
  }: ServiceOptions): Promise<SimulatedService> {
    const { machine, clock } = process;
    const { disk } = machine;
    let engine: Engine | undefined;
    const queue = new SimulatedQueue(disk, process, {
      partitionCount: settings.partitionCount,
      bytesMax: settings.queueBytesMax,
    });
    const log = announced(queue, {
      appended: (partition) => engine?.notify(partition),
      failed,
    });
    const ingest = ingestOver(log, clock, semantic.dimensions);
    const file = configFile(process);
    const planned = await planConfig({
      file,
      settings: semantic,
      maxFutureMs,
      hasStore: disk.has(fileNames.storeLog),
      now: () => clock.nowMs(),
    });
    let health = soundHealth;
    const store = await SimulatedStore.open(disk, process, () => machine.oldCopy.take());
    const opening = openEngine({
      clock,
      queue,
      store,
      secret,
      placeholderConfig: { ...semantic, generation: 0, fromMinute: 0 },
      configGeneration: planned.config.generation,
      limits: settings.commit,
      maintenance: settings.maintenance,
      ...engineSettings,
      hotBytesMax: settings.hotBytesMax,
      trim: async (progress) => {
        for (const { partition, nextOffset } of progress) await log.trim(partition, nextOffset);
      },
      queueBytes: () => queue.sizeBytes(),
      onDedupFull: () => {},
      onHealth: (told) => {
        health = told;
      },
      onProblem: (what, error) => {
        machine.note(`${what}: ${String(error)}`);
        if (error instanceof AuditMismatch) mismatched(error);
      },
    });
    const opened = opening.then((made) => (engine = made));
    opened.catch(() => {});
    // A full queue is emptied by the engine, which must not be waited for.
    for (;;) {
      try {
        await appendConfig(file, planned, (control) => ingest.appendControl(control));
        break;
      } catch (error) {
        if (!(error instanceof CodedError) || error.code !== "queue_full") throw error;
        await Promise.race([
          pause(clock, whileFullMs, new AbortController().signal),
          opened.then(({ stopped }) => stopped),
        ]);
      }
    }
    const made = await opened;
    const service = new SimulatedService(process, ingest, made, store, queue, () => health);
    ingest.ticks({ idleLagMs: semantic.idleLagMs, everyMs: settings.tickEveryMs });
    return service;
  }

  /** Whether all that the log holds is committed. */
  get isCaughtUp(): boolean {
    return hasReached(this.store.progress, this.queue.nextOffsets);
  }

  async stopTaking(): Promise<void> {
    await this.ingest[Symbol.asyncDispose]();
  }

  /** Stops it in good order. */
  async stop(): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
    await this.ingest[Symbol.asyncDispose]();
  }
}

/** config.json, replaced as a whole. */
function configFile(process: SimulatedProcess): ConfigFile {
  const { disk } = process.machine;
  const { config, newConfig } = fileNames;
  return {
    path: config,
    async read() {
      const [content] = disk.has(config) ? disk.file(config).chunks : [];
      return content && unsealed<string>(content);
    },
    async write(content) {
      disk.remove(newConfig);
      await process.step("config.write", () => disk.file(newConfig).append(sealed(content)));
      await process.step("config.sync", () => disk.file(newConfig).sync());
      await process.step("config.swap", () => disk.rename(newConfig, config));
    },
  };
}
