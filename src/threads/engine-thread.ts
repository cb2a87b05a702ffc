/** The engine thread: folds the log, commits to the store, answers queries. Composed here; the main thread calls it. */

import "../runtime/older-node.ts";
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { targetError } from "../backup/target-directory.ts";
import type { CopiedData, DataPaths } from "../backup/write-backup.ts";
import { systemClock } from "../clock/system-clock.ts";
import { openEngine } from "../engine/engine.ts";
import type { Engine } from "../engine/engine.ts";
import { CommitMetrics } from "../metrics/commit-metrics.ts";
import { QueryMetrics } from "../metrics/query-metrics.ts";
import { CodedError } from "../model/errors.ts";
import type { Commit, PartitionProgress } from "../model/commit.ts";
import type { Health } from "../model/health.ts";
import { serviceWatermarkMs } from "../query/finality.ts";
import type { QueryService } from "../query/query-service.ts";
import { askByName, queryServiceBy } from "../query/query-service.ts";
import { copySqliteQueue } from "../queue/sqlite/copy.ts";
import type { ExportedDay, ExportQuery } from "../store/store-exports.ts";
import type { Remote } from "./endpoint.ts";
import { connect } from "./endpoint.ts";
import { openSharedEngine } from "../engine/shared-engine.ts";
import type { SharedNote, SharedStore } from "../store/shared-store.ts";
import { openQueueReader } from "./open-queue.ts";
import type { OwnStore } from "./open-store.ts";
import { openOwnStore, openSharedStore } from "./open-store.ts";
import type { EngineThreadData } from "./thread-data.ts";
import { toldBy } from "./told.ts";
import { untilThere } from "./until-there.ts";

const { settings, queuePath, storePath, databasePath, ingestPort, secret, ...data } =
  workerData as EngineThreadData;

/** Threads of the store's own: the machine's cores are shared with ingest and folding. */
const storeThreads = 2;

const commitMetrics = new CommitMetrics();
const queryMetrics = new QueryMetrics(settings.store.kind);

let engine: Engine | undefined;
let opening: Promise<Engine> | undefined;
let files: OwnStore["files"] | undefined;
let shared: Promise<SharedStore> | undefined;
/** Aborted at a stop: an export, and the wait for a store that is away. */
const stopping = new AbortController();

const told = toldBy(() => main);
const { onProblem } = told;

/** What both kinds of engine are made of. */
const common = {
  ...data,
  clock: systemClock,
  limits: settings.commit,
  dedupBytesMax: settings.dedup.bytesMax,
  hotBytesMax: settings.query.hotBytesMax,
  auditBucketsAMinute: settings.audit.bucketsAMinute,
  trim: (progress: readonly PartitionProgress[]): Promise<void> => ingest.call("trim", [progress]),
  queueBytes: (): Promise<number> => ingest.call("queueBytes", []),
  onDedupFull: (full: boolean): void => main.post("dedupFull", [full]),
  onCommitted: (commit: Commit, durationMs: number): void =>
    commitMetrics.committed(commit, durationMs, systemClock.nowMs()),
  onHealth: (health: Health): void => main.post("health", [health]),
  ...told,
};

async function openOwn(configGeneration: number): Promise<Engine> {
  await using resources = new AsyncDisposableStack();
  const queue = resources.use(await openQueueReader(settings.queue, queuePath));
  const opened = await openOwnStore(settings.store, {
    path: storePath,
    databasePath,
    threads: storeThreads,
    warn: (message) => onProblem(message, undefined),
  });
  ({ files } = opened);
  const isLogShared = settings.queue.kind === "kafka";
  resources.move();
  const { store } = opened;
  return await openEngine({ ...common, queue, store, secret, configGeneration, isLogShared });
}

/** Over a store that others commit to too. */
async function openShared(): Promise<Engine> {
  const store = await sharedStore();
  try {
    return await openSharedEngine({
      ...common,
      store,
      openQueue: () => openQueueReader(settings.queue, queuePath),
      instance: createHash("sha256").update(secret).digest("hex"),
    });
  } catch (error) {
    // Which has closed it.
    shared = undefined;
    throw error;
  }
}

/** Opened once, for the settings that it keeps and for all else. */
function sharedStore(): Promise<SharedStore> {
  shared ??= openSharedStore(settings, { queuePath, storePath, databasePath }).catch(
    (error: unknown) => {
      shared = undefined;
      throw error;
    },
  );
  return shared;
}

function untilOpen<T>(open: () => Promise<T>): Promise<T> {
  return untilThere(open, { warn: onProblem, signal: stopping.signal });
}

function running(): Engine {
  if (!engine) throw new CodedError("not_ready", "the service is recovering; ask again shortly");
  return engine;
}

function query(): QueryService {
  return running().query;
}

function storeFiles(instead: string): OwnStore["files"] {
  running();
  if (files) return files;
  throw new CodedError("invalid_parameter", `dir: the store is in ClickHouse, ${instead}`, {
    field: "dir",
  });
}

async function copyData(paths: DataPaths): Promise<CopiedData> {
  const own = storeFiles("which is backed up there");
  if (settings.queue.kind !== "sqlite")
    throw new CodedError("invalid_parameter", "dir: the log is in Kafka, which backs up itself", {
      field: "dir",
    });
  const { store, queue } = await running().copies.make({
    copyStore: (signal) => own.copyTo(paths.store, signal),
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

const main: Remote = connect(parentPort!, {
  /** See SharedStore. Rejects with `store_unavailable` where it is away, unless it may wait. */
  readNote: async (name: string, mayWait: boolean): Promise<SharedNote> => {
    const store = await (mayWait ? untilOpen(sharedStore) : sharedStore());
    return await store.readNote(name);
  },
  writeNote: async (name: string, note: SharedNote): Promise<SharedNote> =>
    await (await untilOpen(sharedStore)).writeNote(name, note),
  /** By which protected dimensions are hashed. Waits for a store that is away. */
  sharedSecret: async (): Promise<Uint8Array> =>
    Uint8Array.from((await untilOpen(sharedStore)).secret),
  async start(configGeneration: number): Promise<void> {
    const isShared = settings.store.kind === "clickhouse";
    opening = untilOpen(() => (isShared ? openShared() : openOwn(configGeneration)));
    engine = await opening;
    engine.stopped.catch((error: unknown) => main.post("failed", [String(error)]));
  },
  ...queryServiceBy((name, args) => queryMetrics.timed(name, () => askByName(query(), name, args))),
  metrics: async () => (await Promise.all([commitMetrics.text(), queryMetrics.text()])).join("\n"),
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
    // Of a start that did not come so far.
    if (!started) await (await shared?.catch(() => undefined))?.[Symbol.asyncDispose]();
  },
});
