import type { KafkaQueueOptions } from "../../src/queue/kafka/options.ts";
import { openKafkaQueueReader } from "../../src/queue/kafka/reader.ts";
import { openKafkaQueueWriter } from "../../src/queue/kafka/writer.ts";
import type { QueueUnderTest } from "../contract/click-queue.contract.ts";
import type { KafkaCluster } from "./kafka-cluster.ts";

export interface KafkaQueueUnderTest extends QueueUnderTest {
  readonly options: KafkaQueueOptions;
}

let topics = 0;

/** A topic of its own. */
export async function openKafkaQueue(
  { brokers }: KafkaCluster,
  partitionCount: number,
): Promise<KafkaQueueUnderTest> {
  const options = { brokers, topic: `clicks-${++topics}`, partitionCount, replicas: 3 };
  const open = async () => ({
    writer: await openKafkaQueueWriter(options),
    reader: await openKafkaQueueReader(options),
  });
  const queue: KafkaQueueUnderTest = {
    options,
    ...(await open()),
    async reopen() {
      await close();
      Object.assign(queue, await open());
    },
    [Symbol.asyncDispose]: () => close(),
  };
  const close = async (): Promise<void> => {
    await queue.reader[Symbol.asyncDispose]();
    await queue.writer[Symbol.asyncDispose]();
  };
  return queue;
}
