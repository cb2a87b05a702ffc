/** Fetches from the topic by partition and offset, one after the other: the library has one session a broker, which does not bear two at once. */

import { Consumer } from "@platformatic/kafka";
import { Turns } from "../../clock/turns.ts";
import { BoundedClient } from "./bounded-client.ts";
import { madeAnew } from "./failures.ts";
import type { AskingBounds, KafkaQueueOptions } from "./options.ts";
import { clientOptions } from "./options.ts";
import { messageBytesMax } from "./topic.ts";

/** Isolation: nothing of ours is in a transaction. */
const readUncommitted = 0;
const unknownEpoch = -1;

export type FetchedBatches = NonNullable<
  Awaited<ReturnType<Consumer["fetch"]>>["responses"][number]["partitions"][number]["records"]
>;

export interface FetchLimits extends AskingBounds {
  /** What a fetch brings, unless a single batch is larger. */
  readonly bytesMax: number;
}

export class Fetcher implements AsyncDisposable {
  private readonly topic: string;
  private readonly limits: FetchLimits;
  private readonly consumer: BoundedClient<Consumer>;
  private readonly turns = new Turns();
  private topicId: string | undefined;

  constructor(options: KafkaQueueOptions, limits: FetchLimits) {
    this.topic = options.topic;
    this.limits = limits;
    this.consumer = new BoundedClient(() => {
      const consumer = new Consumer({
        ...clientOptions(options, limits),
        groupId: "clicktally-unused",
      });
      consumer.topics.track(options.topic);
      return consumer;
    });
  }

  /** What is there now, in whole batches: the first one may begin before the offset. */
  fetch(partition: number, offset: number): Promise<FetchedBatches> {
    const { questionMsMax } = this.limits;
    return this.turns.take(() =>
      this.consumer.ask(questionMsMax, (consumer) => this.ask(consumer, partition, offset)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A fetch that is under way may wait for brokers that are away.
    await this.consumer[Symbol.asyncDispose]();
    await this.turns.through();
  }

  private async ask(
    consumer: Consumer,
    partition: number,
    offset: number,
  ): Promise<FetchedBatches> {
    const metadata = await consumer.metadata({ topics: [this.topic] });
    const { id: topicId, partitions } = metadata.topics.get(this.topic)!;
    this.topicId ??= topicId;
    if (topicId !== this.topicId) throw madeAnew(this.topic);
    const { responses } = await consumer.fetch({
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
              partitionMaxBytes: this.limits.bytesMax,
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
}
