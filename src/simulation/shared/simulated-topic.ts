/**
 * A log on servers of its own: what it has acknowledged it never loses, and it tells receipts by its own clock. Who asks it over
 * the network may not learn what became of an append.
 */

import { CodedError } from "../../model/errors.ts";
import type { Position } from "../../model/log-record.ts";
import type {
  Backlog,
  ClickQueueReader,
  ClickQueueWriter,
  NewRecord,
  PartitionBounds,
  ReadLimits,
  StoredRecord,
} from "../../queue/click-queue.ts";
import type { Partitioning } from "../../model/partition.ts";
import type { LogEntry } from "../queue/log-index.ts";
import { LogIndex } from "../queue/log-index.ts";
import { sealed } from "../world/chunk.ts";
import type { SimulatedFile } from "../world/disk.ts";
import type { Steps } from "../world/process.ts";
import { DeviceError } from "../world/process.ts";
import type { ProcessStep } from "../world/steps.ts";

export class SimulatedTopic {
  readonly index: LogIndex;
  readonly spread: number;
  private readonly file: SimulatedFile;
  private readonly clock: () => number;

  /** `file`: where judges find all that was ever appended. */
  constructor(file: SimulatedFile, { partitionCount, spread }: Partitioning, clock: () => number) {
    this.file = file;
    this.clock = clock;
    this.spread = spread;
    this.index = new LogIndex(partitionCount);
  }

  append(records: readonly NewRecord[]): Position[] {
    const receivedAtMs = this.clock();
    const next = this.index.ends;
    const positions = records.map(({ partition }) => ({ partition, offset: next[partition]!++ }));
    const kept = records.map((record) => Object.assign({}, record, { receivedAtMs }));
    this.write({ kind: "group", records: kept });
    return positions;
  }

  trim(partition: number, beforeOffset: number): void {
    if (beforeOffset > this.index.bounds(partition).firstOffset)
      this.write({ kind: "trim", partition, beforeOffset });
  }

  private write(entry: LogEntry): void {
    this.file.append(sealed(entry));
    this.file.sync();
    this.index.apply(entry, this.file.chunks.length - 1);
  }
}

/** The steps of one topic. */
export interface TopicSteps {
  readonly begin: ProcessStep;
  readonly append: ProcessStep;
  /** Once it is acknowledged, before who asked goes on. */
  readonly done?: ProcessStep;
  readonly read: ProcessStep;
}

export const clickSteps: TopicSteps = {
  begin: "append.begin",
  append: "append.write",
  done: "append.done",
  read: "read",
};

export const orderSteps: TopicSteps = {
  begin: "order.begin",
  append: "order.append",
  read: "order.read",
};

/** As a process reaches it. */
export class TopicClient implements ClickQueueWriter, ClickQueueReader {
  private readonly topic: SimulatedTopic;
  private readonly steps: Steps;
  private readonly names: TopicSteps;

  constructor(topic: SimulatedTopic, steps: Steps, names: TopicSteps) {
    this.topic = topic;
    this.steps = steps;
    this.names = names;
  }

  get partitionCount(): number {
    return this.topic.index.partitionCount;
  }

  get spread(): number {
    return this.topic.spread;
  }

  async append(records: readonly NewRecord[]): Promise<Position[]> {
    if (records.length === 0) return [];
    const own = records.map((record) => Object.assign({}, record, { bytes: record.bytes.slice() }));
    await this.step(this.names.begin);
    let positions: Position[] = [];
    await this.step(this.names.append, () => {
      positions = this.topic.append(own);
    });
    if (this.names.done) await this.step(this.names.done);
    return positions;
  }

  async trim(partition: number, beforeOffset: number): Promise<void> {
    await this.step("trim.begin", () => this.topic.trim(partition, beforeOffset));
  }

  async sizeBytes(): Promise<number> {
    return this.topic.index.bytes;
  }

  async bounds(partition: number): Promise<PartitionBounds> {
    await this.step(this.names.read);
    return this.topic.index.bounds(partition);
  }

  async ends(): Promise<readonly number[]> {
    await this.step(this.names.read);
    return this.topic.index.ends;
  }

  async read(partition: number, fromOffset: number, limits: ReadLimits): Promise<StoredRecord[]> {
    await this.step(this.names.read);
    const read: StoredRecord[] = [];
    let clicks = 0;
    for (const record of this.topic.index.from(partition, fromOffset)) {
      const { bytes, clickCount, receivedAtMs } = record;
      read.push({ offset: fromOffset + read.length, bytes, clickCount, receivedAtMs });
      clicks += clickCount;
      if (read.length >= limits.recordsMax || clicks >= limits.clicksMax) break;
    }
    return read;
  }

  async backlog(partition: number, fromOffset: number): Promise<Backlog> {
    const { firstOffset, nextOffset } = await this.bounds(partition);
    const from = Math.min(Math.max(firstOffset, fromOffset), nextOffset);
    const behind = this.topic.index.from(partition, from);
    return {
      records: behind.length,
      clicks: behind.reduce((sum, { clickCount }) => sum + clickCount, 0),
      oldestReceivedAtMs: behind[0]?.receivedAtMs,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  private async step(name: ProcessStep, effect?: () => void): Promise<void> {
    try {
      await this.steps.step(name, effect);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      throw new CodedError("queue_unavailable", error.message, { cause: error });
    }
  }
}
