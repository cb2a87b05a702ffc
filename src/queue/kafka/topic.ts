/** The topic that carries the log: made as it has to be, or checked to be so. */

import type { Admin, ClusterTopicMetadata } from "@platformatic/kafka";
import { ConfigResourceTypes } from "@platformatic/kafka";
import { CodedError } from "../../model/errors.ts";
import { isProtocolError } from "./failures.ts";
import type { KafkaQueueOptions } from "./options.ts";

/** A group of records may be so large: what ingest gathers for one append, in one partition. */
export const messageBytesMax = 64 << 20;

/**
 * Nothing is ever deleted but by a trim: the log is what the counts are a function of. Times are the brokers': clocks of
 * several writers differ.
 */
const settings = {
  "cleanup.policy": "delete",
  "retention.ms": "-1",
  "retention.bytes": "-1",
  "message.timestamp.type": "LogAppendTime",
  "max.message.bytes": String(messageBytesMax),
} as const;

/** How many replicas must have a record before it is acknowledged. With one, the death of that broker may take it along. */
const insyncName = "min.insync.replicas";
/** Fewer replicas than this were not meant to outlive a broker. */
const lastingReplicas = 3;
const lastingInsync = 2;

const topicType = ConfigResourceTypes.TOPIC;
const triesMax = 50;
const againAfterMs = 100;

/** Resolves with its id. CodedError `invalid_configuration` where it is there and can't carry the log. */
export async function prepareTopic(
  admin: Admin,
  { topic, partitionCount, replicas }: KafkaQueueOptions,
): Promise<string> {
  const insync = String(Math.max(1, replicas - 1));
  const configs = Object.entries({ ...settings, [insyncName]: insync });
  try {
    await admin.createTopics({
      topics: [topic],
      partitions: partitionCount,
      replicas,
      configs: configs.map(([name, value]) => ({ name, value })),
    });
  } catch (error) {
    if (!isProtocolError(error, "TOPIC_ALREADY_EXISTS")) throw error;
    await checkSettings(admin, { topic, replicas });
  }
  const found = await lookAt(admin, topic);
  checkPartitions(found, { topic, partitionCount });
  return found.id;
}

/** Of one that others make: whoever reads finality out of its partitions must know all of them. */
export async function checkTopic(
  admin: Admin,
  options: Pick<KafkaQueueOptions, "topic" | "partitionCount">,
): Promise<void> {
  checkPartitions(await lookAt(admin, options.topic), options);
}

function checkPartitions(
  { partitionsCount: found }: ClusterTopicMetadata,
  { topic, partitionCount }: Pick<KafkaQueueOptions, "topic" | "partitionCount">,
): void {
  if (found === partitionCount) return;
  const what = `topic ${topic} has ${found} partitions, the settings say ${partitionCount}`;
  throw new CodedError("invalid_configuration", what, { field: "queue.partitions" });
}

async function checkSettings(
  admin: Admin,
  { topic, replicas }: Pick<KafkaQueueOptions, "topic" | "replicas">,
): Promise<void> {
  const configurationKeys = [...Object.keys(settings), insyncName];
  const [described] = await admin.describeConfigs({
    resources: [{ resourceType: topicType, resourceName: topic, configurationKeys }],
  });
  const found = new Map(described!.configs.map(({ name, value }) => [name, value]));
  for (const [name, wanted] of Object.entries(settings)) {
    if (found.get(name) === wanted) continue;
    throw unfit(topic, `${name}=${found.get(name)}`, `${name}=${wanted}`);
  }
  const insync = Number(found.get(insyncName));
  if (replicas >= lastingReplicas && !(insync >= lastingInsync))
    throw unfit(
      topic,
      `${insyncName}=${found.get(insyncName)}`,
      `${insyncName}=${lastingInsync} where queue.replicas is ${replicas}: ` +
        "else clicks that were acknowledged may be lost with one broker",
    );
}

function unfit(topic: string, found: string, needed: string): CodedError {
  const what = `topic ${topic} has ${found}, a click queue needs ${needed}`;
  return new CodedError("invalid_configuration", what, { field: "queue.topic" });
}

/** Brokers learn of a topic that another has made a moment later. */
async function lookAt(admin: Admin, topic: string): Promise<ClusterTopicMetadata> {
  for (let tries = 1; ; tries++) {
    try {
      const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
      return topics.get(topic)!;
    } catch (error) {
      if (!isProtocolError(error, "UNKNOWN_TOPIC_OR_PARTITION") || tries === triesMax) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, againAfterMs));
  }
}
