/**
 * Reads the topic by partition and offset. There is no consumer group: where to go on is the store's to know. What a fetch
 * has brought beyond what was asked for is kept for the next read, one fetch a partition.
 */

import { Admin, Consumer, ListOffsetTimestamps } from "@platformatic/kafka";
import { Turns } from "../../clock/turns.ts";
import { CodedError } from "../../model/errors.ts";
import type {
  Backlog,
  ClickQueueReader,
  PartitionBounds,
  ReadLimits,
  StoredRecord,
} from "../click-queue.ts";
import { corruptRecord, isProtocolError, unavailable } from "./failures.ts";
import type { KafkaQueueOptions } from "./options.ts";
import { clientOptions } from "./options.ts";
import type { FetchedRecord } from "./record-form.ts";
import { recordOf } from "./record-form.ts";
import { checkTopic, messageBytesMax } from "./topic.ts";

/** What a fetch brings, unless a single batch is larger. */
const fetchBytesMax = 8 << 20;
/** Of a backlog so much is looked at; what lies behind is taken to be like it. */
const backlogRecordsMax = 10_000;
const backlogFetchesMax = 8;
/** Isolation: nothing of ours is in a transaction. */
const readUncommitted = 0;
const unknownEpoch = -1;

type FetchedBatches = NonNullable<
  Awaited<ReturnType<Consumer["fetch"]>>["responses"][number]["partitions"][number]["records"]
>;

interface LookedAt {
  readonly count: number;
  readonly clicks: number;
  readonly oldestReceivedAtMs: number | undefined;
}

export async function openKafkaQueueReader(options: KafkaQueueOptions): Promise<KafkaQueueReader> {
  return new KafkaQueueReader(options);
}

export class KafkaQueueReader implements ClickQueueReader {
  readonly partitionCount: number;
  private readonly topic: string;
  private readonly admin: Admin;
  /** Asked again and again, so that it need not try for long: the client's tries go to a leader that is gone. */
  private readonly endsAdmin: Admin;
  private readonly consumer: Consumer;
  /** The client keeps one session a broker, which does not bear two fetches at once. */
  private readonly turns = new Turns();
  private readonly ahead = new Map<number, readonly FetchedRecord[]>();

  constructor(options: KafkaQueueOptions) {
    this.partitionCount = options.partitionCount;
    this.topic = options.topic;
    this.admin = new Admin(clientOptions(options));
    this.endsAdmin = new Admin({ ...clientOptions(options), retries: 1, retryDelay: 50 });
    this.consumer = new Consumer({ ...clientOptions(options), groupId: "clicktally-unused" });
    this.consumer.topics.track(options.topic);
  }

  /** Of a topic that others make. Rejects with `queue_unavailable` where it is not there. */
  async checkTopic(): Promise<void> {
    const { topic, partitionCount } = this;
    try {
      await checkTopic(this.admin, { topic, partitionCount });
    } catch (error) {
      throw error instanceof CodedError ? error : unavailable(error, `${topic} can't be looked at`);
    }
  }

  async bounds(partition: number): Promise<PartitionBounds> {
    this.checkPartition(partition);
    const firstOffset = await this.offsetAt(partition, ListOffsetTimestamps.EARLIEST);
    const nextOffset = await this.offsetAt(partition, ListOffsetTimestamps.LATEST);
    return { firstOffset, nextOffset };
  }

  async ends(): Promise<readonly number[]> {
    const partitions = Array.from({ length: this.partitionCount }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp: ListOffsetTimestamps.LATEST,
    }));
    try {
      const listed = await this.endsAdmin.listOffsets({
        topics: [{ name: this.topic, partitions }],
      });
      const found = new Map(
        listed.flatMap((topic) =>
          topic.partitions.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]),
        ),
      );
      return partitions.map(({ partitionIndex }) => found.get(partitionIndex)!);
    } catch (error) {
      throw unavailable(error, `the brokers don't say where ${this.topic} ends`);
    }
  }

  async read(partition: number, fromOffset: number, limits: ReadLimits): Promise<StoredRecord[]> {
    this.checkPartition(partition);
    const records = await this.from(partition, fromOffset);
    const taken: StoredRecord[] = [];
    let clicks = 0;
    for (const record of records) {
      taken.push(record);
      clicks += record.clickCount;
      if (clicks >= limits.clicksMax || taken.length >= limits.recordsMax) break;
    }
    this.keep(partition, records.slice(taken.length));
    return taken;
  }

  async backlog(partition: number, fromOffset: number): Promise<Backlog> {
    const { firstOffset, nextOffset } = await this.bounds(partition);
    const from = Math.max(fromOffset, firstOffset);
    const records = Math.max(0, nextOffset - from);
    let looked: LookedAt;
    try {
      looked = await this.lookAt(partition, from, Math.min(records, backlogRecordsMax));
    } catch (error) {
      // What is committed is trimmed, also while somebody asks what lies behind it.
      const { firstOffset: nowFirst } = await this.bounds(partition);
      if (nowFirst > from) return await this.backlog(partition, nowFirst);
      throw error;
    }
    const { count, clicks, oldestReceivedAtMs } = looked;
    const share = count === 0 ? 0 : Math.max(1, records / count);
    return { records, clicks: Math.round(clicks * share), oldestReceivedAtMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.turns.through();
    await this.consumer.close(true);
    await this.endsAdmin.close();
    await this.admin.close();
  }

  /** Of so many records, or of those of some fetches; none of them is kept. */
  private async lookAt(partition: number, from: number, countMax: number): Promise<LookedAt> {
    let [count, clicks] = [0, 0];
    let oldestReceivedAtMs: number | undefined;
    for (let fetches = 0; count < countMax && fetches < backlogFetchesMax; fetches++) {
      const some = await this.fetch(partition, from + count);
      if (some.length === 0) break;
      count += some.length;
      for (const { clickCount } of some) clicks += clickCount;
      oldestReceivedAtMs ??= some[0]!.receivedAtMs;
    }
    return { count, clicks, oldestReceivedAtMs };
  }

  /** What is kept from there on, or is fetched. */
  private async from(partition: number, offset: number): Promise<readonly FetchedRecord[]> {
    const kept = this.ahead.get(partition);
    if (kept?.[0]?.offset === offset) return kept;
    return await this.fetch(partition, offset);
  }

  private keep(partition: number, records: readonly FetchedRecord[]): void {
    if (records.length > 0) this.ahead.set(partition, records);
    else this.ahead.delete(partition);
  }

  private fetch(partition: number, offset: number): Promise<readonly FetchedRecord[]> {
    return this.turns.take(async () => {
      if (offset < 0) throw await this.outside(partition, offset);
      try {
        return recordsFrom(await this.ask(partition, offset), partition, offset);
      } catch (error) {
        if (isProtocolError(error, "OFFSET_OUT_OF_RANGE"))
          throw await this.outside(partition, offset);
        if (error instanceof CodedError) throw error;
        throw unavailable(error, `partition ${partition} of ${this.topic} can't be read`);
      }
    });
  }

  private async ask(partition: number, offset: number): Promise<FetchedBatches> {
    const metadata = await this.consumer.metadata({ topics: [this.topic] });
    const { id: topicId, partitions } = metadata.topics.get(this.topic)!;
    const { responses } = await this.consumer.fetch({
      node: partitions[partition]!.leader,
      maxWaitTime: 0,
      minBytes: 0,
      maxBytes: messageBytesMax,
      isolationLevel: readUncommitted,
      topics: [
        {
          topicId,
          partitions: [
            {
              partition,
              fetchOffset: BigInt(offset),
              partitionMaxBytes: fetchBytesMax,
              currentLeaderEpoch: unknownEpoch,
              lastFetchedEpoch: unknownEpoch,
            },
          ],
        },
      ],
    });
    // Within a session a partition without anything new is left out of the answer.
    const found = responses
      .flatMap(({ partitions: answered }) => answered)
      .find(({ partitionIndex }) => partitionIndex === partition);
    return found?.records ?? [];
  }

  private async outside(partition: number, offset: number): Promise<Error> {
    const { firstOffset, nextOffset } = await this.bounds(partition);
    return corruptRecord(
      partition,
      offset,
      `the log holds offsets ${firstOffset} up to ${nextOffset}`,
    );
  }

  private async offsetAt(partition: number, timestamp: bigint): Promise<number> {
    const partitions = [{ partitionIndex: partition, timestamp }];
    try {
      const [listed] = await this.admin.listOffsets({ topics: [{ name: this.topic, partitions }] });
      return Number(listed!.partitions[0]!.offset);
    } catch (error) {
      throw unavailable(error, `the brokers don't say what partition ${partition} holds`);
    }
  }

  private checkPartition(partition: number): void {
    if (partition >= 0 && partition < this.partitionCount) return;
    throw new RangeError(`there is no partition ${partition}`);
  }
}

/** A batch that has the offset may begin before it. */
function recordsFrom(
  batches: FetchedBatches,
  partition: number,
  fromOffset: number,
): FetchedRecord[] {
  const found: FetchedRecord[] = [];
  for (const { firstOffset, maxTimestamp, records } of batches) {
    for (const message of records) {
      const offset = Number(firstOffset) + message.offsetDelta;
      // Of the append: that is what the topic's times are.
      const receivedAtMs = Number(maxTimestamp);
      if (offset >= fromOffset) found.push(recordOf(message, { partition, offset, receivedAtMs }));
    }
  }
  return found;
}
