/**
 * Opens the click queue that the settings name, and keeps a data directory to the one it began with. Kafka's client is
 * loaded where it is used: its hundreds of modules would take a third of the time of every other start.
 */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Settings } from "../config.ts";
import { CodedError } from "../model/errors.ts";
import type { ClickQueueReader, ClickQueueWriter } from "../queue/click-queue.ts";
import type { KafkaQueueOptions, KafkaSecurity } from "../queue/kafka/options.ts";
import type { KafkaQueueReader } from "../queue/kafka/reader.ts";
import { openSqliteQueueReader } from "../queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../queue/sqlite/writer.ts";
import { keepTo, otherKind } from "./kept-identity.ts";

type QueueSettings = Settings["queue"];

/** Beside `path`, the place of the embedded queue: which topic the store belongs to. */
const topicFileName = "topic.json";

/** Names the log of the order of commits, after that of the clicks. */
const orderSuffix = ".order";

/**
 * Of the log of the order in which commits of several processes count: a topic beside that of the clicks, or a queue in the
 * data directory.
 */
export async function openOrderWriter(
  queue: QueueSettings,
  path: string,
): Promise<ClickQueueWriter> {
  if (queue.kind === "sqlite") {
    const { bytesMax: maxBytes } = queue;
    return await openSqliteQueueWriter({ path: orderPath(path), partitionCount: 1, maxBytes });
  }
  const { openKafkaQueueWriter } = await import("../queue/kafka/writer.ts");
  return await openKafkaQueueWriter(await orderOptions(queue));
}

/** `path`: absent where another process makes it. */
export async function openOrderReader(
  queue: QueueSettings,
  path: string | undefined,
): Promise<ClickQueueReader> {
  if (path !== undefined && queue.kind === "sqlite")
    return await openSqliteQueueReader({ path: orderPath(path) });
  const { openKafkaQueueReader } = await import("../queue/kafka/reader.ts");
  const reader = await openKafkaQueueReader(await orderOptions(queue));
  return path === undefined ? await checked(reader) : reader;
}

function orderPath(path: string): string {
  return join(dirname(path), "order.sqlite");
}

async function orderOptions(queue: QueueSettings): Promise<KafkaQueueOptions> {
  const { topic, ...options } = await kafkaOptions(queue);
  return { ...options, topic: `${topic}${orderSuffix}`, partitionCount: 1, spread: 1 };
}

/** Without a path nothing is kept here of the queue, which then is Kafka's. */
export async function openQueueWriter(
  queue: QueueSettings,
  path: string | undefined,
): Promise<ClickQueueWriter> {
  if (path === undefined) return await openTopicWriter(queue);
  const { partitions: partitionCount, bytesMax: maxBytes } = queue;
  const topicPath = join(dirname(path), topicFileName);
  if (queue.kind === "sqlite") {
    if (existsSync(topicPath)) throw otherKind("queue.kind", "kafka");
    return await openSqliteQueueWriter({ path, partitionCount, maxBytes });
  }
  if (existsSync(path)) throw otherKind("queue.kind", "sqlite");
  const writer = await openTopicWriter(queue);
  try {
    const found = { name: queue.topic, id: writer.topicId };
    await keepTo(topicPath, { what: "topic", field: "queue.topic" }, found);
    return writer;
  } catch (error) {
    await writer[Symbol.asyncDispose]();
    throw error;
  }
}

async function openTopicWriter(queue: QueueSettings) {
  const { openKafkaQueueWriter } = await import("../queue/kafka/writer.ts");
  const writer = await openKafkaQueueWriter(await kafkaOptions(queue));
  try {
    await checkSpread(queue);
    return writer;
  } catch (error) {
    await writer[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Of what the topic has already: by another spread the repetition of a click would go to another partition, and be counted
 * again.
 */
async function checkSpread(queue: QueueSettings): Promise<void> {
  await using reader = await openTopicReader(queue);
  for (const [partition, nextOffset] of (await reader.ends()).entries()) {
    const { firstOffset } = await reader.bounds(partition);
    if (nextOffset <= firstOffset) continue;
    await reader.read(partition, nextOffset - 1, { clicksMax: 1, recordsMax: 1 });
    return;
  }
}

/** Of the queue that a writer has opened before. */
export async function openQueueReader(
  queue: QueueSettings,
  path: string,
): Promise<ClickQueueReader> {
  if (queue.kind === "sqlite") return await openSqliteQueueReader({ path });
  return await openTopicReader(queue);
}

/** Of the topic that the settings name, which others make. */
export async function openOthersTopic(queue: QueueSettings): Promise<ClickQueueReader> {
  return await checked(await openTopicReader(queue));
}

async function checked(reader: KafkaQueueReader): Promise<ClickQueueReader> {
  try {
    await reader.checkTopic();
    return reader;
  } catch (error) {
    await reader[Symbol.asyncDispose]();
    throw error;
  }
}

async function openTopicReader(queue: QueueSettings) {
  const { openKafkaQueueReader } = await import("../queue/kafka/reader.ts");
  return await openKafkaQueueReader(await kafkaOptions(queue));
}

async function kafkaOptions(queue: QueueSettings): Promise<KafkaQueueOptions> {
  const { brokers, topic, partitions: partitionCount, spread, replicas } = queue;
  const security = await kafkaSecurity(queue);
  return { brokers, topic, partitionCount, spread, replicas, security };
}

/** Of the queue's brokers, and of those that have topics to be taken in. */
export async function kafkaSecurity({ security: all }: QueueSettings): Promise<KafkaSecurity> {
  const { caFile, ...security } = all;
  const certificates = caFile === "" ? undefined : await readCertificates(caFile);
  return { ...security, ...(certificates !== undefined && { certificates }) };
}

async function readCertificates(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new CodedError("invalid_configuration", `queue.ca_file can't be read: ${String(cause)}`, {
      field: "queue.ca_file",
      cause,
    });
  }
}
