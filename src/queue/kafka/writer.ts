/**
 * Appends records to the topic. An append is acknowledged when all replicas that keep up have it. Between brokers that die
 * and come back the client sends again under the same numbers, by which a broker knows what it has; what is not
 * acknowledged in the end may be in the log all the same, as whoever sends it again must expect of any queue.
 */

import { Admin, ProduceAcks, Producer } from "@platformatic/kafka";
import { systemClock } from "../../clock/system-clock.ts";
import { Turns } from "../../clock/turns.ts";
import { within } from "../../clock/within.ts";
import { CodedError } from "../../model/errors.ts";
import type { Position } from "../../model/log-record.ts";
import type { ClickQueueWriter, NewRecord } from "../click-queue.ts";
import { BoundedClient } from "./bounded-client.ts";
import { isProtocolError, isTooLarge, refusedAtStart, tooLarge, unavailable } from "./failures.ts";
import type { KafkaQueueOptions } from "./options.ts";
import { clientOptions, factBounds, recordBounds } from "./options.ts";
import { messageOf } from "./record-form.ts";
import { messageBytesMax, prepareTopic } from "./topic.ts";

/** What one request carries at most, unless a single record is larger. */
const requestBytesMax = 16 << 20;
/** A record with what Kafka puts around it. */
const recordBytesMax = messageBytesMax - 4_096;
/** To make a topic takes a while, and all brokers have to learn of it. */
const topicMsMax = 30_000;
/** So long somebody waits who wants to know how large the log is. */
const sizeMsMax = 1_000;

export async function openKafkaQueueWriter(options: KafkaQueueOptions): Promise<KafkaQueueWriter> {
  const admin = new BoundedClient(() => new Admin(clientOptions(options, factBounds)));
  try {
    const topicId = await admin.ask(topicMsMax, (client) => prepareTopic(client, options));
    return new KafkaQueueWriter(admin, topicId, options);
  } catch (error) {
    await admin[Symbol.asyncDispose]();
    if (error instanceof CodedError) throw error;
    throw refusedAtStart(error, `the brokers ${options.brokers.join(", ")} don't give the topic`);
  }
}

class KafkaQueueWriter implements ClickQueueWriter {
  readonly partitionCount: number;
  readonly spread: number;
  /** A topic that was deleted and made anew has another. */
  readonly topicId: string;
  private readonly topic: string;
  private readonly admin: BoundedClient<Admin>;
  private readonly producer: BoundedClient<Producer>;
  private readonly turns = new Turns();
  private lastSize = 0;
  private askingSize: Promise<void> | undefined;

  constructor(admin: BoundedClient<Admin>, topicId: string, options: KafkaQueueOptions) {
    this.topicId = topicId;
    this.partitionCount = options.partitionCount;
    this.spread = options.spread;
    this.topic = options.topic;
    this.admin = admin;
    this.producer = new BoundedClient(
      () =>
        new Producer({
          ...clientOptions(options, recordBounds),
          acks: ProduceAcks.ALL,
          idempotent: true,
        }),
    );
  }

  /** One after the other: the records of a partition are in the order of the groups. */
  async append(records: readonly NewRecord[]): Promise<Position[]> {
    for (const { partition, bytes } of records) {
      this.checkPartition(partition);
      if (bytes.length > recordBytesMax)
        throw tooLarge(`a record has ${bytes.length} bytes, the log takes ${recordBytesMax}`);
    }
    return await this.turns.take(async () => {
      const positions: Position[] = [];
      for (const part of partsOf(records)) positions.push(...(await this.send(part)));
      return positions;
    });
  }

  async trim(partition: number, beforeOffset: number): Promise<void> {
    this.checkPartition(partition);
    if (beforeOffset <= 0) return;
    const partitions = [{ partition, offset: BigInt(beforeOffset) }];
    try {
      await this.admin.ask(factBounds.questionMsMax, (admin) =>
        admin.deleteRecords({ topics: [{ name: this.topic, partitions }] }),
      );
    } catch (error) {
      if (isProtocolError(error, "OFFSET_OUT_OF_RANGE"))
        throw new RangeError(`partition ${partition} ends before offset ${beforeOffset}`);
      throw unavailable(error, `partition ${partition} of ${this.topic} can't be trimmed`);
    }
  }

  /** Of the largest replica of each partition; while a broker is away, or slow to tell, as it was before. */
  async sizeBytes(): Promise<number> {
    this.askingSize ??= this.askSize()
      .then((size) => void (this.lastSize = size))
      .catch(() => {})
      .finally(() => (this.askingSize = undefined));
    await within(systemClock, sizeMsMax, this.askingSize);
    return this.lastSize;
  }

  private async askSize(): Promise<number> {
    const partitions = Array.from({ length: this.partitionCount }, (_, partition) => partition);
    const described = await this.admin.ask(factBounds.questionMsMax, (admin) =>
      admin.describeLogDirs({ topics: [{ name: this.topic, partitions }] }),
    );
    const sizes = new Map<number, number>();
    for (const { results } of described) {
      for (const { partitionIndex, partitionSize } of results.flatMap(({ topics }) =>
        topics.flatMap((topic) => topic.partitions),
      )) {
        const before = sizes.get(partitionIndex) ?? 0;
        sizes.set(partitionIndex, Math.max(before, Number(partitionSize)));
      }
    }
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.turns.through();
    await this.producer[Symbol.asyncDispose]();
    await this.admin[Symbol.asyncDispose]();
  }

  private async send(records: readonly NewRecord[]): Promise<Position[]> {
    const { topic, spread } = this;
    const messages = records.map((record) => ({
      topic,
      partition: record.partition,
      ...messageOf(record, spread),
    }));
    const next = new Map<number, number>();
    try {
      const { offsets = [] } = await this.producer.ask(recordBounds.questionMsMax, (producer) =>
        producer.send({ messages }),
      );
      for (const { partition, offset } of offsets) next.set(partition, Number(offset));
    } catch (error) {
      if (isTooLarge(error)) throw tooLarge(`${topic} takes no records as large as these`, error);
      throw unavailable(error, `${topic} does not take the records`);
    }
    return records.map(({ partition }) => {
      const offset = next.get(partition)!;
      next.set(partition, offset + 1);
      return { partition, offset };
    });
  }

  private checkPartition(partition: number): void {
    if (partition >= 0 && partition < this.partitionCount) return;
    throw new RangeError(`there is no partition ${partition}`);
  }
}

/** In their order, each small enough for one request. */
function* partsOf(records: readonly NewRecord[]): Generator<readonly NewRecord[]> {
  let part: NewRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    if (part.length > 0 && bytes + record.bytes.length > requestBytesMax) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(record);
    bytes += record.bytes.length;
  }
  if (part.length > 0) yield part;
}
