import { join } from "node:path";
import { placeholderGeneration } from "../../src/aggregate/state.ts";
import { systemClock } from "../../src/clock/system-clock.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import { encodeLogRecord } from "../../src/model/log-record-codec.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";
import type { PipelineOptions } from "../../src/pipeline/pipeline.ts";
import { Pipeline } from "../../src/pipeline/pipeline.ts";
import type { ClickQueueReader, ClickQueueWriter } from "../../src/queue/click-queue.ts";
import { openSqliteQueueReader } from "../../src/queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../../src/queue/sqlite/writer.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import { openDuckDbStore } from "../../src/store/duckdb/duckdb-store.ts";

export interface PipelineRun extends AsyncDisposable {
  readonly store: ClickStore;
  readonly pipeline: Pipeline;
  /** Problems it reported. */
  readonly problems: string[];
}

/** What a test may set; all else is as the service has it, but without trimming. */
export interface PipelineRunOptions extends Partial<
  Pick<PipelineOptions, "maintenance" | "retryDelays" | "dedupBytesMax" | "trim" | "onDedupFull">
> {
  /** Puts itself between the pipeline and the store. */
  readonly around?: (store: ClickStore) => ClickStore;
  /** Between the pipeline and the queue. */
  readonly aroundQueue?: (queue: ClickQueueReader) => ClickQueueReader;
}

/** The log on disk. */
export async function openLog(directory: string, partitionCount = 1): Promise<ClickQueueWriter> {
  return openSqliteQueueWriter({
    path: join(directory, "queue.sqlite"),
    partitionCount,
    maxBytes: 1e9,
  });
}

/** A store, or a queue, of which some methods are others. */
export function changedStore<T extends object = ClickStore>(store: T, changes: Partial<T>): T {
  return new Proxy(store, {
    get(target, name) {
      const changed: unknown = Reflect.get(changes, name);
      if (changed !== undefined) return changed;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

export async function appendAll(
  queue: ClickQueueWriter,
  records: readonly LogRecord[],
  partition = 0,
): Promise<void> {
  if (records.length === 0) return;
  await queue.append(
    records.map((record) => ({
      partition,
      bytes: encodeLogRecord(record),
      clickCount: record.kind === "clicks" ? record.batch.rowCount : 0,
      receivedAtMs: record.receivedAtMs,
    })),
  );
}

/** Queue reader, store and pipeline on a directory. */
export async function startPipeline(
  directory: string,
  config: SemanticConfig,
  limits: { readonly delayMsMax: number; readonly clicksMax: number },
  {
    around = (store) => store,
    aroundQueue = (queue) => queue,
    ...options
  }: PipelineRunOptions = {},
): Promise<PipelineRun> {
  await using resources = new AsyncDisposableStack();
  const queue = resources.use(
    await openSqliteQueueReader({ path: join(directory, "queue.sqlite") }),
  );
  const store = resources.use(
    await openDuckDbStore({
      path: join(directory, "store.duckdb"),
      memoryBytesMax: 256_000_000,
      threads: 1,
    }),
  );
  const problems: string[] = [];
  const pipeline = await Pipeline.recover({
    clock: systemClock,
    queue: aroundQueue(queue),
    store: around(store),
    recovered: await store.recover(),
    partitions: Array.from({ length: queue.partitionCount }, (_, partition) => partition),
    secret: new Uint8Array(32).fill(3),
    placeholderConfig: { ...config, generation: placeholderGeneration },
    limits,
    maintenance: { checkpointMsMax: 60_000, checkpointClicksMax: 1_000_000 },
    dedupBytesMax: 1e9,
    trim: async () => {},
    onCommit: () => {},
    onDedupFull: () => {},
    onProblem: (what) => problems.push(what),
    ...options,
  });
  resources.use(pipeline);
  const stopped = pipeline.start();
  stopped.catch((error: unknown) => problems.push(String(error)));
  const owned = resources.move();
  return { store, pipeline, problems, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
