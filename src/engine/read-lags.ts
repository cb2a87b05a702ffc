import type { Clock } from "../clock/clock.ts";
import { within } from "../clock/within.ts";
import { CodedError } from "../model/errors.ts";
import type { CommittedRecords } from "../pipeline/committed-records.ts";
import type { ServiceNumbers } from "../query/status-answer.ts";
import type { ClickQueueReader } from "../queue/click-queue.ts";

type Lags = ServiceNumbers["lags"];

/** Whoever asks waits no longer; the queue of other machines may be away. */
const waitMsMax = 1_000;

/** Tells what of each partition is not committed yet. However many ask, the queue is looked at once at a time. */
export class LagReader {
  private readonly clock: Clock;
  private readonly queue: ClickQueueReader;
  private readonly committed: Pick<CommittedRecords, "nextOffset">;
  private looking: Promise<unknown> = Promise.resolve();
  /** Begins after who asks now: what it finds is not older than the question. */
  private nextLook: Promise<Lags> | undefined;

  constructor(
    clock: Clock,
    queue: ClickQueueReader,
    committed: Pick<CommittedRecords, "nextOffset">,
  ) {
    this.clock = clock;
    this.queue = queue;
    this.committed = committed;
  }

  /** Of every partition; null where the queue does not say. */
  async read(): Promise<Lags> {
    const nextLook = (this.nextLook ??= this.lookNext());
    return (await within(this.clock, waitMsMax, nextLook)) ?? this.unknown();
  }

  private lookNext(): Promise<Lags> {
    const next = this.looking.then(() => {
      this.nextLook = undefined;
      return this.look();
    });
    this.looking = next.catch(() => {});
    return next;
  }

  private async look(): Promise<Lags> {
    const { clock, queue, committed } = this;
    const nowMs = clock.nowMs();
    try {
      return await Promise.all(
        partitionsOf(queue).map(async (partition) => {
          const backlog = await queue.backlog(partition, committed.nextOffset(partition));
          const { records, clicks, oldestReceivedAtMs = nowMs } = backlog;
          const lagSeconds = Math.max(0, nowMs - oldestReceivedAtMs) / 1000;
          return { partition, lag_records: records, lag_clicks: clicks, lag_seconds: lagSeconds };
        }),
      );
    } catch (error) {
      if (error instanceof CodedError && error.code === "queue_unavailable") return this.unknown();
      throw error;
    }
  }

  private unknown(): Lags {
    return partitionsOf(this.queue).map((partition) => ({
      partition,
      lag_records: null,
      lag_clicks: null,
      lag_seconds: null,
    }));
  }
}

function partitionsOf({ partitionCount }: ClickQueueReader): number[] {
  return Array.from({ length: partitionCount }, (_, partition) => partition);
}
