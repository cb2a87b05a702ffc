/**
 * Takes clicks in from topics that others fill. The processes of a group share the partitions. Where a group has read to is
 * committed once the clicks are durable in the queue: what is read again after a death or a rebalance is known by its
 * identity, so each click counts once.
 */

import type { Message, MessagesStream } from "@platformatic/kafka";
import { Consumer } from "@platformatic/kafka";
import type { Clock } from "../../clock/clock.ts";
import { pause } from "../../clock/clock.ts";
import type { ErrorCode } from "../../model/errors.ts";
import { CodedError } from "../../model/errors.ts";
import { unavailable } from "../../queue/kafka/failures.ts";
import type { KafkaQueueOptions } from "../../queue/kafka/options.ts";
import { clientOptions } from "../../queue/kafka/options.ts";
import type { IngestBody, IngestService } from "../ingest-service.ts";
import type { ForeignMessage, MessageBody, SharedBodyLimits } from "./message-bodies.ts";
import { bodiesOf, bodyOfNoJson, ownBody } from "./message-bodies.ts";

export interface TopicIntakeOptions extends Pick<KafkaQueueOptions, "brokers" | "security"> {
  readonly clock: Clock;
  readonly topics: readonly string[];
  readonly group: string;
  readonly ingest: Pick<IngestService, "accept">;
  readonly limits: SharedBodyLimits;
  readonly onProblem: (what: string) => void;
}

/** Of a group commit's worth. */
const batchMessagesMax = 8_192;
const batchBytesMax = 4 << 20;
const fetchBytesMax = 8 << 20;
const fetchWaitMs = 200;
/** A member that is not heard of for so long is dead. */
const sessionMs = 10_000;
/** What members have to finish what is in hand when the group changes. */
const rebalanceMs = 20_000;
/** After so long without a message it is asked whether any wait. */
const silenceMs = 30_000;
const againAfterMs = 1_000;
/** Between what is told of messages that are refused. */
const tellEveryMs = 10_000;

/** How often it is looked whether the topics have got more partitions. */
const lookEveryMs = 60_000;
/** Longer than the others of a group have for joining, which a broker waits for with its answer. */
const requestMsMax = 30_000;
/** The client's own tries nest; to begin anew is for here. */
const retriesMax = 5;
const retryAfterMs = 500;

/** What ingest refuses now and may take in a moment. */
const passingCodes: ReadonlySet<ErrorCode> = new Set([
  "queue_full",
  "queue_unavailable",
  "dedup_full",
  "overloaded",
  "not_ready",
]);
/** What is wrong with a body, and would be again; all else passes, or is no fault of the clicks. */
const bodyCodes: ReadonlySet<ErrorCode> = new Set([
  "malformed_json",
  "body_too_large",
  "batch_too_large",
  "record_too_large",
  "internal_error",
]);

type Stream = MessagesStream<Buffer, Buffer, Buffer, Buffer>;
/** Of one that was deleted the value is missing, whatever the client's types say. */
type ReadMessage = Omit<Message, "value"> & { readonly value: Buffer | null };
type OwnConsumer = Consumer<Buffer, Buffer, Buffer, Buffer>;
type TakenMessage = ForeignMessage & { readonly commit: () => Promise<void> };

export class TopicIntake implements AsyncDisposable {
  private readonly options: TopicIntakeOptions;
  private readonly stop = new AbortController();
  private readonly running: Promise<void>;
  private isPaused = false;
  private toldMs = -Infinity;

  constructor(options: TopicIntakeOptions) {
    this.options = options;
    this.running = this.run();
  }

  /** While there is no room for what would come. */
  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
  }

  /** Finishes what is in hand. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { clock, topics } = this.options;
    const { signal } = this.stop;
    while (!signal.aborted) {
      try {
        await this.consume();
      } catch (error) {
        const what = `clicks of ${topics.join(", ")} can't be taken in, will be tried again`;
        if (!signal.aborted) this.tell(unavailable(error, what).message);
      }
      await pause(clock, againAfterMs, signal);
    }
  }

  /** As a member of the group, until something goes wrong. */
  private async consume(): Promise<void> {
    const { topics, group } = this.options;
    const consumer: OwnConsumer = new Consumer({
      ...clientOptions(this.options, { requestMsMax, retriesMax, retryAfterMs }),
      groupId: group,
      sessionTimeout: sessionMs,
      rebalanceTimeout: rebalanceMs,
    });
    const failed = new Promise<never>((_, reject) => consumer.on("error", reject));
    failed.catch(() => {});
    try {
      const joining = consumer.consume({
        topics: [...topics],
        mode: "committed",
        fallbackMode: "earliest",
        autocommit: false,
        maxBytes: fetchBytesMax,
        maxWaitTime: fetchWaitMs,
      });
      const stream = await this.unlessStopped(joining);
      if (!stream) return;
      // It may fail at any moment; the next batch tells. Without a listener in place at all times it would stop to fetch.
      stream.on("error", () => {}).on("readable", () => {});
      failed.catch((error: Error) => stream.destroy(error));
      await this.read(consumer, stream);
    } finally {
      await consumer.close(true).catch(() => {});
    }
  }

  private async read(consumer: OwnConsumer, stream: Stream): Promise<void> {
    const { clock } = this.options;
    const { signal } = this.stop;
    const closed = new Promise<void>((resolve) => stream.once("close", resolve));
    const end = (): void => void stream.destroy();
    signal.addEventListener("abort", end, { once: true });
    const partitions = await this.partitionCounts(consumer);
    let lookedMs = clock.monotonicMs();
    try {
      while (!signal.aborted) {
        const batch = await nextBatch(stream, clock, () => this.checkSilence(consumer, stream));
        if (!batch) break;
        await this.take(batch);
        const commits = lastOfPartitions(batch).map((message) => message.commit());
        // A stream that goes away may leave them without an answer.
        await Promise.race([Promise.all(commits), closed]);
        if (clock.monotonicMs() - lookedMs < lookEveryMs) continue;
        lookedMs = clock.monotonicMs();
        // Who reads a new partition is settled when a member joins.
        if ((await this.partitionCounts(consumer)) !== partitions) break;
      }
    } finally {
      signal.removeEventListener("abort", end);
      await stream.close();
    }
  }

  private async partitionCounts(consumer: OwnConsumer): Promise<string> {
    const topics = [...this.options.topics];
    const metadata = await this.unlessStopped(consumer.metadata({ topics, forceUpdate: true }));
    return topics.map((topic) => metadata?.topics.get(topic)?.partitionsCount).join(" ");
  }

  /** A client that has stopped without a word begins anew. Where it reads counts, not what is committed of that. */
  private async checkSilence(consumer: OwnConsumer, stream: Stream): Promise<void> {
    const topics = [...this.options.topics];
    const ends = await this.unlessStopped(consumer.listOffsets({ topics }));
    if (!ends) return;
    for (const [topic, offsets] of ends) {
      for (const [partition, offset] of offsets.entries()) {
        const key = `${topic}:${partition}`;
        const isOwn = stream.offsetsCommitted.has(key);
        if (isOwn && offset > (stream.offsetsToFetch.get(key) ?? offset))
          throw new Error(`nothing came for ${silenceMs} ms, though messages wait in ${key}`);
      }
    }
  }

  /** Undefined where it is stopped before; what the client still does is of no interest then. */
  private unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
    const { signal } = this.stop;
    work.catch(() => {});
    return new Promise((resolve, reject) => {
      const stop = (): void => resolve(undefined);
      if (signal.aborted) stop();
      signal.addEventListener("abort", stop, { once: true });
      const settled = (): void => signal.removeEventListener("abort", stop);
      work.then(resolve, reject).finally(settled);
    });
  }

  private async take(batch: readonly TakenMessage[]): Promise<void> {
    // Ingest appends what comes at a time together.
    await Promise.all(bodiesOf(batch, this.options.limits).map((body) => this.put(body)));
  }

  /** Until its clicks are durable, and what is no click is in the ledger. */
  private async put({ body, messages }: MessageBody): Promise<void> {
    let refused: CodedError;
    try {
      const { rejected, errors } = await this.untilAccepted(body);
      const [first] = errors;
      if (first) this.tellRefused(messages[first.index] ?? messages[0]!, first.message, rejected);
      return;
    } catch (error) {
      if (!(error instanceof CodedError) || !bodyCodes.has(error.code)) throw error;
      refused = error;
    }
    if (messages.length > 1) {
      await Promise.all(messages.map((message) => this.put(ownBody(message))));
      return;
    }
    this.tellRefused(messages[0]!, refused.message, 1);
    await this.untilAccepted(bodyOfNoJson(body.source));
  }

  private async untilAccepted(body: IngestBody): ReturnType<IngestService["accept"]> {
    const { clock, ingest } = this.options;
    const { signal } = this.stop;
    for (;;) {
      while (this.isPaused && !signal.aborted) await pause(clock, againAfterMs, signal);
      signal.throwIfAborted();
      try {
        return await ingest.accept(body);
      } catch (error) {
        if (!(error instanceof CodedError) || !passingCodes.has(error.code)) throw error;
        this.tell(`clicks of ${body.source} wait: ${error.message}`);
      }
      await pause(clock, againAfterMs, signal);
    }
  }

  /** All of them are counted in the ledger. */
  private tellRefused(
    { topic, partition, offset }: ForeignMessage,
    why: string,
    count: number,
  ): void {
    const more = count > 1 ? ` (and ${count - 1} more)` : "";
    this.tell(
      `topic ${topic}, partition ${partition}, offset ${offset} is no click: ${why}${more}`,
    );
  }

  /** One in a while. */
  private tell(what: string): void {
    const { clock, onProblem } = this.options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.toldMs < tellEveryMs) return;
    this.toldMs = nowMs;
    onProblem(what);
  }
}

/** What has been fetched, at least a message; undefined where the stream has come to its end. */
async function nextBatch(
  stream: Stream,
  clock: Clock,
  onSilence: () => Promise<void>,
): Promise<readonly TakenMessage[] | undefined> {
  for (;;) {
    if (stream.errored) throw stream.errored;
    const batch: TakenMessage[] = [];
    let bytes = 0;
    while (batch.length < batchMessagesMax && bytes < batchBytesMax) {
      const message = stream.read() as ReadMessage | null;
      if (message === null) break;
      const { topic, partition, offset } = message;
      const value = message.value ?? Buffer.alloc(0);
      batch.push({ topic, partition, offset, value, commit: async () => await message.commit() });
      bytes += value.length;
    }
    if (batch.length > 0) return batch;
    if (stream.destroyed || stream.readableEnded) return undefined;
    if (!(await changes(stream, clock))) await onSilence();
  }
}

/** False where nothing has come, nor an end, for `silenceMs`. */
function changes(stream: Stream, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (hasChanged: boolean): void => {
      timer.cancel();
      for (const event of changeEvents) stream.off(event, onChange);
      resolve(hasChanged);
    };
    const onChange = (): void => settle(true);
    const timer = clock.after(silenceMs, () => settle(false));
    for (const event of changeEvents) stream.on(event as "close", onChange);
  });
}

const changeEvents = ["readable", "end", "close", "error"] as const;

function lastOfPartitions(batch: readonly TakenMessage[]): TakenMessage[] {
  const last = new Map<string, TakenMessage>();
  for (const message of batch) last.set(`${message.topic} ${message.partition}`, message);
  return [...last.values()];
}
