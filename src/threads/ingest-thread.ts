/** The ingest thread: decodes, validates and appends. Composed here; the main thread calls it. */

import "../runtime/older-node.ts";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../clock/system-clock.ts";
import { Ingest } from "../ingest/accept.ts";
import type { ProtectionSettings } from "../ingest/protect-batch.ts";
import type { IngestAnswer, IngestBody } from "../ingest/ingest-service.ts";
import type { LogWatcher } from "../ingest/logs/log-watcher.ts";
import { RetentionSchedule } from "../ingest/retention-schedule.ts";
import type { TopicIntake } from "../ingest/topics/topic-intake.ts";
import { CodedError } from "../model/errors.ts";
import type { Control, Position } from "../model/log-record.ts";
import type { WatcherStatus } from "../model/log-source.ts";
import type { PartitionProgress } from "../model/commit.ts";
import { announced } from "../queue/announced-queue.ts";
import type { ClickQueueWriter } from "../queue/click-queue.ts";
import { freeMemory } from "../runtime/free-memory.ts";
import type { Remote } from "./endpoint.ts";
import { connect } from "./endpoint.ts";
import { kafkaSecurity, openQueueWriter } from "./open-queue.ts";
import { readProtection } from "./open-store.ts";
import { toldBy } from "./told.ts";
import { untilThere } from "./until-there.ts";
import type { IngestThreadData } from "./thread-data.ts";

const { settings, queuePath, enginePort } = workerData as IngestThreadData;

interface Running {
  readonly queue: ClickQueueWriter;
  readonly ingest: Ingest;
}

/** How often silence is looked for. */
const tickEveryMs = 2_000;

let running: Running | undefined;
let intake: TopicIntake | undefined;
let watchers: readonly LogWatcher[] = [];
let isFull = false;
let retention: RetentionSchedule | undefined;
/** Aborted at a stop: the wait for a queue that is away. */
const stopping = new AbortController();

function parts(): Running {
  if (!running) throw new CodedError("not_ready", "the click queue is not open yet");
  return running;
}

const engine =
  enginePort &&
  connect(enginePort, {
    trim: async (progress: readonly PartitionProgress[]): Promise<void> => {
      for (const { partition, nextOffset } of progress)
        await parts().queue.trim(partition, nextOffset);
    },
    queueBytes: () => parts().queue.sizeBytes(),
  });

const told = toldBy(() => main);

const main: Remote = connect(parentPort!, {
  async start(): Promise<void> {
    const opened = await untilThere(() => openQueueWriter(settings.queue, queuePath), {
      warn: told.onProblem,
      signal: stopping.signal,
    });
    const queue = announced(opened, {
      appended: (partition) => engine?.post("appended", [partition]),
      failed: ({ message }) => main.post("failed", [message]),
    });
    const ingest = new Ingest(queue, systemClock, {
      layout: settings.dimensions,
      unknownFields: settings.unknownFields,
      missingEventId: settings.dedup.missingEventId,
      maxFutureMs: settings.watermark.maxFutureMs,
      bodyBytesMax: settings.limits.bodyBytesMax,
      decompressedBytesMax: settings.limits.decompressedBytesMax,
      itemsMax: settings.limits.itemsMax,
    });
    running = { queue, ingest };
  },
  /** Before the first click, where dimensions are protected: with what the counting thread knows, or what others share. */
  async protect(protection?: ProtectionSettings): Promise<void> {
    const own =
      protection ??
      (await untilThere(() => readProtection(settings), {
        warn: told.onProblem,
        signal: stopping.signal,
      }));
    parts().ingest.protect(own);
  },
  async accept(body: IngestBody): Promise<IngestAnswer> {
    try {
      return await parts().ingest.accept(body);
    } finally {
      freeMemory(body.bytes);
    }
  },
  appendControl: (control: Control): Promise<Position[]> => parts().ingest.appendControl(control),
  appendBatch: (batchBytes: Uint8Array, source: string): Promise<Position[]> =>
    parts().ingest.appendBatch(batchBytes, source),
  startTicks(): void {
    const { ingest } = parts();
    ingest.ticks({
      idleLagMs: settings.watermark.idleLagMs,
      everyMs: tickEveryMs,
      ...(engine && { silent: (timeMs) => engine.call("silent", [timeMs]) }),
    });
    const append = (control: Control): Promise<Position[]> => ingest.appendControl(control);
    retention = new RetentionSchedule(systemClock, append, settings.retention);
  },
  /** Of the topics that the settings name, if any. */
  async startIntake(): Promise<void> {
    const { topics, brokers, group } = settings.intake;
    if (topics.length === 0) return;
    const { TopicIntake } = await import("../ingest/topics/topic-intake.ts");
    intake = new TopicIntake({
      clock: systemClock,
      brokers,
      topics,
      group,
      security: await kafkaSecurity(settings.queue),
      ingest: parts().ingest,
      limits: {
        itemsMax: settings.limits.itemsMax,
        bytesMax: Math.min(settings.limits.bodyBytesMax, settings.limits.decompressedBytesMax),
      },
      ...told,
    });
    intake.pause(isFull);
  },
  /** Of the log files that the settings name, if any. */
  async startWatchers(): Promise<void> {
    const { sources, dataDir } = settings;
    if (sources.length === 0) return;
    const { LogWatcher } = await import("../ingest/logs/log-watcher.ts");
    const { ingest } = parts();
    watchers = sources.map(
      (source) =>
        new LogWatcher({
          source,
          clock: systemClock,
          directory: join(dataDir, "sources"),
          take: (body) =>
            ingest.accept({
              bytes: body,
              contentType: "application/x-ndjson",
              contentEncoding: "identity",
              source: source.name,
              history: false,
            }),
          ...told,
        }),
    );
    for (const watcher of watchers) watcher.pause(isFull);
  },
  watchers: (): readonly WatcherStatus[] => watchers.map(({ status }) => status),
  /** Nothing is taken in from topics and log files while ids have no room. */
  dedupFull(full: boolean): void {
    isFull = full;
    intake?.pause(full);
    for (const watcher of watchers) watcher.pause(full);
  },
  async stop(): Promise<void> {
    stopping.abort(new CodedError("not_ready", "the service stops"));
    if (!running) return;
    await intake?.[Symbol.asyncDispose]();
    await Promise.all(watchers.map((watcher) => watcher[Symbol.asyncDispose]()));
    await retention?.[Symbol.asyncDispose]();
    await running.ingest[Symbol.asyncDispose]();
    await running.queue[Symbol.asyncDispose]();
  },
});
