/**
 * Reads the topic by partition and offset. There is no consumer group: where to go on is the store's to know. What a fetch
 * has brought beyond what was asked for is kept for the next read, one fetch a partition. What is only looked at, for lag, has
 * connections of its own: it must not wait for reads, nor they for it.
 */

import { Admin, ListOffsetTimestamps } from "@platformatic/kafka";
import { CodedError } from "../../model/errors.ts";
import type {
  Backlog,
  ClickQueueReader,
  PartitionBounds,
  ReadLimits,
  StoredRecord,
} from "../click-queue.ts";
import { BoundedClient } from "./bounded-client.ts";
import { corruptRecord, isProtocolError, unavailable } from "./failures.ts";
import type { FetchedBatches } from "./fetcher.ts";
import { Fetcher } from "./fetcher.ts";
import type { AskingBounds, KafkaQueueOptions } from "./options.ts";
import { clientOptions, factBounds, glanceBounds, recordBounds } from "./options.ts";
import type { FetchedMessage, FetchedRecord, MessagePlace } from "./record-form.ts";
import { clickCountOf, recordOf } from "./record-form.ts";
import { checkTopic } from "./topic.ts";

const fetchBytesMax = 8 << 20;
/** Of a backlog so much is looked at; what lies behind is taken to be like it. */
const backlogRecordsMax = 10_000;
const backlogFetchesMax = 4;
const backlogFetchBytesMax = 1 << 20;

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
  readonly spread: number;
  private readonly topic: string;
  private readonly admin: BoundedClient<Admin>;
  private readonly glanceAdmin: BoundedClient<Admin>;
  private readonly records: Fetcher;
  private readonly glances: Fetcher;
  private readonly ahead = new Map<number, readonly FetchedRecord[]>();

  constructor(options: KafkaQueueOptions) {
    this.partitionCount = options.partitionCount;
    this.spread = options.spread;
    this.topic = options.topic;
    this.admin = new BoundedClient(() => new Admin(clientOptions(options, factBounds)));
    this.glanceAdmin = new BoundedClient(() => new Admin(clientOptions(options, glanceBounds)));
    this.records = new Fetcher(options, { ...recordBounds, bytesMax: fetchBytesMax });
    this.glances = new Fetcher(options, { ...glanceBounds, bytesMax: backlogFetchBytesMax });
  }

  /** Of a topic that others make. Rejects with `queue_unavailable` where it is not there. */
  async checkTopic(): Promise<void> {
    const { topic, partitionCount } = this;
    try {
      await this.admin.ask(factBounds.questionMsMax, (admin) =>
        checkTopic(admin, { topic, partitionCount }),
      );
    } catch (error) {
      throw error instanceof CodedError ? error : unavailable(error, `${topic} can't be looked at`);
    }
  }

  async bounds(partition: number): Promise<PartitionBounds> {
    this.checkPartition(partition);
    return await this.boundsBy(this.admin, factBounds, partition);
  }

  async ends(): Promise<readonly number[]> {
    const partitions = Array.from({ length: this.partitionCount }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp: ListOffsetTimestamps.LATEST,
    }));
    try {
      const listed = await this.glanceAdmin.ask(glanceBounds.questionMsMax, (admin) =>
        admin.listOffsets({ topics: [{ name: this.topic, partitions }] }),
      );
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
    this.checkPartition(partition);
    const { glanceAdmin } = this;
    const { firstOffset, nextOffset } = await this.boundsBy(glanceAdmin, glanceBounds, partition);
    const from = Math.max(fromOffset, firstOffset);
    const records = Math.max(0, nextOffset - from);
    let looked: LookedAt;
    try {
      looked = await this.lookAt(partition, from, Math.min(records, backlogRecordsMax));
    } catch (error) {
      // What is committed is trimmed, also while somebody asks what lies behind it.
      const { firstOffset: nowFirst } = await this.boundsBy(glanceAdmin, glanceBounds, partition);
      if (nowFirst > from) return await this.backlog(partition, nowFirst);
      throw error;
    }
    const { count, clicks, oldestReceivedAtMs } = looked;
    const share = count === 0 ? 0 : Math.max(1, records / count);
    return { records, clicks: Math.round(clicks * share), oldestReceivedAtMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      this.records[Symbol.asyncDispose](),
      this.glances[Symbol.asyncDispose](),
      this.admin[Symbol.asyncDispose](),
      this.glanceAdmin[Symbol.asyncDispose](),
    ]);
  }

  /** Of so many records, or of those of some fetches; none of them is kept. */
  private async lookAt(partition: number, from: number, countMax: number): Promise<LookedAt> {
    let [count, clicks] = [0, 0];
    let oldestReceivedAtMs: number | undefined;
    for (let fetches = 0; count < countMax && fetches < backlogFetchesMax; fetches++) {
      const some = await this.fetch(this.glances, partition, from + count, (message, place) => ({
        clickCount: clickCountOf(message, place),
        receivedAtMs: place.receivedAtMs,
      }));
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
    return await this.fetch(this.records, partition, offset, (message, place) =>
      recordOf(message, place, this.spread),
    );
  }

  private keep(partition: number, records: readonly FetchedRecord[]): void {
    if (records.length > 0) this.ahead.set(partition, records);
    else this.ahead.delete(partition);
  }

  private async fetch<T>(
    fetcher: Fetcher,
    partition: number,
    offset: number,
    form: (message: FetchedMessage, place: MessagePlace) => T,
  ): Promise<readonly T[]> {
    if (offset < 0) throw await this.outside(partition, offset);
    try {
      return formsFrom(await fetcher.fetch(partition, offset), partition, offset, form);
    } catch (error) {
      if (isProtocolError(error, "OFFSET_OUT_OF_RANGE"))
        throw await this.outside(partition, offset);
      if (error instanceof CodedError) throw error;
      throw unavailable(error, `partition ${partition} of ${this.topic} can't be read`);
    }
  }

  private async outside(partition: number, offset: number): Promise<Error> {
    const { firstOffset, nextOffset } = await this.bounds(partition);
    const holds = `the log holds offsets ${firstOffset} up to ${nextOffset}`;
    // A broker that has only just become the leader may not know yet.
    if (offset >= firstOffset && offset <= nextOffset)
      return unavailable(new Error(holds), `a broker denies offset ${offset} of ${partition}`);
    return corruptRecord(partition, offset, holds);
  }

  private async boundsBy(
    admin: BoundedClient<Admin>,
    { questionMsMax }: AskingBounds,
    partition: number,
  ): Promise<PartitionBounds> {
    const offsetAt = async (timestamp: bigint): Promise<number> => {
      const partitions = [{ partitionIndex: partition, timestamp }];
      const topics = [{ name: this.topic, partitions }];
      const [listed] = await admin.ask(questionMsMax, (client) => client.listOffsets({ topics }));
      return Number(listed!.partitions[0]!.offset);
    };
    try {
      const firstOffset = await offsetAt(ListOffsetTimestamps.EARLIEST);
      return { firstOffset, nextOffset: await offsetAt(ListOffsetTimestamps.LATEST) };
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
function formsFrom<T>(
  batches: FetchedBatches,
  partition: number,
  fromOffset: number,
  form: (message: FetchedMessage, place: MessagePlace) => T,
): T[] {
  const found: T[] = [];
  for (const { firstOffset, maxTimestamp, records } of batches) {
    for (const message of records) {
      const offset = Number(firstOffset) + message.offsetDelta;
      // Of the append: that is what the topic's times are.
      const receivedAtMs = Number(maxTimestamp);
      if (offset >= fromOffset) found.push(form(message, { partition, offset, receivedAtMs }));
    }
  }
  return found;
}
