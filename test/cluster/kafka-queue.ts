import { openKafkaQueueReader } from "../../src/queue/kafka/reader.ts";
import { openKafkaQueueWriter } from "../../src/queue/kafka/writer.ts";
import type { QueueUnderTest } from "../contract/click-queue.contract.ts";
import { queueUnderTest } from "../support/queue-under-test.ts";
import type { KafkaCluster } from "./kafka-cluster.ts";

export const noSecurity = {
  protocol: "PLAINTEXT",
  mechanism: "PLAIN",
  username: "",
  password: "",
} as const;

let topics = 0;

/** A topic of its own. */
export function openKafkaQueue(
  { brokers }: KafkaCluster,
  partitionCount: number,
): Promise<QueueUnderTest> {
  const options = {
    brokers,
    topic: `clicks-${++topics}`,
    partitionCount,
    spread: 1,
    replicas: 3,
    security: noSecurity,
  };
  return queueUnderTest(async () => ({
    hasClock: true,
    writer: await openKafkaQueueWriter(options),
    reader: await openKafkaQueueReader(options),
  }));
}
