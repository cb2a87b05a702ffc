/**
 * Opens the click queue that the settings name, and keeps a data directory to the one it began with. Kafka's client is
 * loaded where it is used: its hundreds of modules would take a third of the time of every other start.
 */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Settings } from "../config.ts";
import { durableTextFile } from "../files/durable-file.ts";
import { CodedError } from "../model/errors.ts";
import type { ClickQueueReader, ClickQueueWriter } from "../queue/click-queue.ts";
import type { KafkaQueueOptions } from "../queue/kafka/options.ts";
import { openSqliteQueueReader } from "../queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../queue/sqlite/writer.ts";

type QueueSettings = Settings["queue"];

/** Beside `path`, the place of the embedded queue: which topic the store belongs to. */
const topicFileName = "topic.json";

export async function openQueueWriter(
  queue: QueueSettings,
  path: string,
): Promise<ClickQueueWriter> {
  const { partitions: partitionCount, bytesMax: maxBytes } = queue;
  const topicFile = durableTextFile(join(dirname(path), topicFileName));
  if (queue.kind === "sqlite") {
    if (existsSync(topicFile.path)) throw otherKind("kafka");
    return await openSqliteQueueWriter({ path, partitionCount, maxBytes });
  }
  if (existsSync(path)) throw otherKind("sqlite");
  const { openKafkaQueueWriter } = await import("../queue/kafka/writer.ts");
  const writer = await openKafkaQueueWriter(kafkaOptions(queue));
  try {
    await checkTopic(topicFile, { topic: queue.topic, id: writer.topicId });
    return writer;
  } catch (error) {
    await writer[Symbol.asyncDispose]();
    throw error;
  }
}

/** Of the queue that a writer has opened before. */
export async function openQueueReader(
  queue: QueueSettings,
  path: string,
): Promise<ClickQueueReader> {
  if (queue.kind === "sqlite") return await openSqliteQueueReader({ path });
  const { openKafkaQueueReader } = await import("../queue/kafka/reader.ts");
  return await openKafkaQueueReader(kafkaOptions(queue));
}

function kafkaOptions({ brokers, topic, partitions, replicas }: QueueSettings): KafkaQueueOptions {
  return { brokers, topic, partitionCount: partitions, replicas };
}

interface Topic {
  readonly topic: string;
  /** A topic that was deleted and made anew has another. */
  readonly id: string;
}

async function checkTopic(file: ReturnType<typeof durableTextFile>, found: Topic): Promise<void> {
  const content = await file.read();
  if (content === undefined) {
    await file.write(`${JSON.stringify(found)}\n`);
    return;
  }
  const known = parseTopic(content, file.path);
  if (known.topic === found.topic && known.id === found.id) return;
  throw new CodedError(
    "data_corrupt",
    `the store belongs to topic ${known.topic} (${known.id}), the settings lead to ${found.topic} (${found.id})`,
    { field: "queue.topic", details: { known, found } },
  );
}

function parseTopic(content: string, path: string): Topic {
  try {
    const { topic, id } = JSON.parse(content) as Partial<Topic>;
    if (typeof topic === "string" && typeof id === "string") return { topic, id };
  } catch {
    // No JSON at all: as below.
  }
  throw new CodedError("data_corrupt", `${path} does not name a topic and its id`, {
    details: { path },
  });
}

function otherKind(kind: QueueSettings["kind"]): CodedError {
  return new CodedError(
    "invalid_configuration",
    `this data directory was made with queue.kind ${kind}, and can't change it`,
    { field: "queue.kind" },
  );
}
