/** The engine thread: folds the log, commits to the store, answers queries. Composed here; the main thread calls it. */

import { dirname } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { targetError } from "../backup/target-directory.ts";
import type { CopiedData, DataPaths } from "../backup/write-backup.ts";
import { systemClock } from "../clock/system-clock.ts";
import { openEngine } from "../engine/engine.ts";
import type { Engine } from "../engine/engine.ts";
import { EngineMetrics } from "../metrics/engine-metrics.ts";
import { CodedError } from "../model/errors.ts";
import type { PartitionProgress } from "../model/commit.ts";
import { serviceWatermarkMs } from "../query/finality.ts";
import type { QueryService } from "../query/query-service.ts";
import { askByName, queryServiceBy } from "../query/query-service.ts";
import { copySqliteQueue } from "../queue/sqlite/copy.ts";
import type { ExportedDay, ExportQuery } from "../store/store-exports.ts";
import { connect } from "./endpoint.ts";
import { openQueueReader } from "./open-queue.ts";
import type { OpenedStore } from "./open-store.ts";
import { openStore } from "./open-store.ts";
import type { EngineThreadData } from "./thread-data.ts";
import { untilThere } from "./until-there.ts";

const { settings, queuePath, storePath, databasePath, ingestPort, ...data } =
  workerData as EngineThreadData;

/** Threads of the store's own: the machine's cores are shared with ingest and folding. */
const storeThreads = 2;

const metrics = new EngineMetrics(settings.store.kind);

let engine: Engine | undefined;
let opening: Promise<Engine> | undefined;
let opened: OpenedStore | undefined;
/** Aborted at a stop: an export, and the wait for a store that is away. */
const stopping = new AbortController();

const onProblem = (what: string, error?: unknown): void =>
  main.post("problem", error === undefined ? [what] : [what, String(error)]);

async function open(): Promise<Engine> {
  await using resources = new AsyncDisposableStack();
  const queue = resources.use(await openQueueReader(settings.queue, queuePath));
  opened = await openStore(settings.store, {
    path: storePath,
    databasePath,
    threads: storeThreads,
    warn: (message) => onProblem(message, undefined),
  });
  const { store } = opened;
  resources.move();
  return openEngine({
    ...data,
    clock: systemClock,
    queue,
    store,
    limits: settings.commit,
    dedupBytesMax: settings.dedup.bytesMax,
    hotBytesMax: settings.query.hotBytesMax,
    isLogShared: settings.queue.kind === "kafka",
    auditBucketsAMinute: settings.audit.bucketsAMinute,
    trim: (progress: readonly PartitionProgress[]) => ingest.call("trim", [progress]),
    queueBytes: () => ingest.call("queueBytes", []),
    onDedupFull: (full) => main.post("dedupFull", [full]),
    onCommitted: (commit, durationMs) => metrics.committed(commit, durationMs, systemClock.nowMs()),
    onHealth: (health) => main.post("health", [health]),
    onProblem,
  });
}

function running(): Engine {
  if (!engine) throw new CodedError("not_ready", "the service is recovering; ask again shortly");
  return engine;
}

function query(): QueryService {
  return running().query;
}

function storeFiles(instead: string): NonNullable<OpenedStore["files"]> {
  running();
  if (opened!.files) return opened!.files;
  throw new CodedError("invalid_parameter", `dir: the store is in ClickHouse, ${instead}`, {
    field: "dir",
  });
}

async function copyData(paths: DataPaths): Promise<CopiedData> {
  const files = storeFiles("which is backed up there");
  if (settings.queue.kind !== "sqlite")
    throw new CodedError("invalid_parameter", "dir: the log is in Kafka, which backs up itself", {
      field: "dir",
    });
  const { store, queue } = await running().copies.make({
    copyStore: (signal) => files.copyTo(paths.store, signal),
    copyQueue(progress, signal) {
      const firstOffsets = new Map(
        progress.map(({ partition, nextOffset }) => [partition, nextOffset] as const),
      );
      return copySqliteQueue({ from: queuePath, to: paths.queue, firstOffsets, signal });
    },
  });
  return {
    asOf: store.asOf,
    watermarkMs: serviceWatermarkMs(store.progress, store.progress.length) ?? null,
    store: { bytes: store.bytes, sha256: store.sha256 },
    partitions: queue.map(({ firstOffset, nextOffset }, partition) => ({
      partition,
      next_offset: firstOffset,
      queue_end: nextOffset,
    })),
  };
}

const ingest = connect(ingestPort, {
  appended: (partition: number) => engine?.notify(partition),
  silent: (timeMs: number) => running().silent(timeMs),
});

const main = connect(parentPort!, {
  async start(): Promise<void> {
    opening = untilThere(open, { warn: onProblem, signal: stopping.signal });
    engine = await opening;
    engine.stopped.catch((error: unknown) => main.post("failed", [String(error)]));
  },
  ...queryServiceBy((name, args) => metrics.timed(name, () => askByName(query(), name, args))),
  metrics: () => metrics.text(),
  async copyData(paths: DataPaths): Promise<CopiedData> {
    try {
      return await copyData(paths);
    } catch (error) {
      // Before the error loses what caused it at the border of the thread.
      throw targetError(error, "dir", dirname(paths.store));
    }
  },
  async exportDay(day: ExportQuery): Promise<ExportedDay> {
    try {
      return await storeFiles("which can export it").exportDay(day, stopping.signal);
    } catch (error) {
      throw targetError(error, "dir", dirname(day.path));
    }
  },
  async stop(): Promise<void> {
    stopping.abort(new CodedError("not_ready", "the service stops"));
    // What is half open can't be closed; a start that fails has closed what it had opened, and has been answered.
    const started = await opening?.catch(() => undefined);
    await started?.[Symbol.asyncDispose]();
  },
});
