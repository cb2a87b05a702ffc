import { after, before } from "node:test";
import { describeClickQueue } from "../contract/click-queue.contract.ts";
import { openKafkaQueue } from "./kafka-queue.ts";
import { KafkaCluster, missingForKafka } from "./kafka-cluster.ts";

const missing = await missingForKafka();

if (missing === undefined) {
  let cluster: KafkaCluster;
  before(async () => {
    cluster = await KafkaCluster.start(3);
  });
  after(() => cluster[Symbol.asyncDispose]());
  describeClickQueue("the Kafka queue", (partitionCount) =>
    openKafkaQueue(cluster, partitionCount),
  );
} else console.log(`the Kafka queue is not tested: it ${missing}`);
