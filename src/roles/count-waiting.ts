/** Counts what a stopped data directory's queue still holds, as the service would; nothing is appended to it. */

import { setTimeout as timeout } from "node:timers/promises";
import { placeholderGeneration } from "../aggregate/state.ts";
import { systemClock } from "../clock/system-clock.ts";
import { readLogged } from "../config/config-log.ts";
import type { Settings } from "../config.ts";
import type { DataDirectory } from "../data-directory.ts";
import { openEngine } from "../engine/engine.ts";
import { durableTextFile } from "../files/durable-file.ts";
import { openSqliteQueueReader } from "../queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../queue/sqlite/writer.ts";
import { openOwnStore } from "../threads/open-store.ts";

export interface CountWaitingOptions {
  readonly onProgress: (done: number, total: number) => void;
  readonly onProblem: (what: string, error?: unknown) => void;
}

const lookEveryMs = 100;
const storeThreads = 2;

/** Resolves with the number of partitions once all is counted and nobody has the store open any more. */
export async function countWaiting(
  settings: Settings,
  directory: DataDirectory,
  options: CountWaitingOptions,
): Promise<number> {
  const { queuePath: path, storePath, databasePath } = directory;
  const logged = await readLogged(durableTextFile(directory.configPath), directory.hasStore);
  await using resources = new AsyncDisposableStack();
  const queue = resources.use(await openSqliteQueueReader({ path }));
  const { partitionCount } = queue;
  // Checks that the log has all that was acknowledged.
  const { bytesMax: maxBytes } = settings.queue;
  const writer = resources.use(await openSqliteQueueWriter({ path, partitionCount, maxBytes }));
  const { store } = await openOwnStore(settings.store, {
    path: storePath,
    databasePath,
    threads: storeThreads,
    warn: options.onProblem,
  });
  const { progress: reached } = await store.recover();
  const ends = await queue.ends();
  if (ends.every((end, partition) => reached[partition]?.nextOffset === end)) {
    await store[Symbol.asyncDispose]();
    return partitionCount;
  }
  const { config } = logged!;
  const engine = resources.use(
    await openEngine({
      clock: systemClock,
      queue: await openSqliteQueueReader({ path }),
      store,
      secret: directory.dedupSecret,
      placeholderConfig: { ...config, generation: placeholderGeneration, fromMinute: 0 },
      configGeneration: config.generation,
      limits: settings.commit,
      dedupBytesMax: settings.dedup.bytesMax,
      hotBytesMax: settings.query.hotBytesMax,
      trim: async (progress) => {
        for (const { partition, nextOffset } of progress) await writer.trim(partition, nextOffset);
      },
      queueBytes: () => writer.sizeBytes(),
      onDedupFull(full) {
        if (full) options.onProblem("there is no memory left for ids; see dedup.max_bytes");
      },
      onProblem: options.onProblem,
    }),
  );
  const counted = untilCounted(ends, () => engine.query.status(), options);
  await Promise.race([counted, engine.stopped.then(() => counted)]);
  return partitionCount;
}

interface Lags {
  readonly partitions: readonly {
    readonly partition: number;
    readonly next_offset: number;
    readonly lag_clicks: number | null;
  }[];
}

async function untilCounted(
  ends: readonly number[],
  askStatus: () => Promise<Lags>,
  { onProgress }: CountWaitingOptions,
): Promise<void> {
  let total: number | undefined;
  for (;;) {
    const { partitions } = await askStatus();
    if (partitions.every((own) => own.next_offset >= ends[own.partition]!)) return;
    const waiting = partitions.reduce((sum, { lag_clicks: lag }) => sum + (lag ?? 0), 0);
    total ??= waiting;
    onProgress(total - waiting, total);
    await timeout(lookEveryMs);
  }
}
