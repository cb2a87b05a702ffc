/**
 * The click queue on a simulated disk: an append-only file of sealed writes, a group or a trim each. Beside it lies a
 * mark, written without a sync, of how many writes were synced: a log that ends before it has lost records that were
 * acknowledged, which a torn last write has not.
 */

import { Turns } from "../../clock/turns.ts";
import { CodedError } from "../../model/errors.ts";
import type { PartitionProgress } from "../../model/commit.ts";
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
import type { Chunk } from "../world/chunk.ts";
import { sealed, unsealed, wholeCopy } from "../world/chunk.ts";
import type { SimulatedDisk, SimulatedFile } from "../world/disk.ts";
import { fileNames } from "../world/file-names.ts";
import type { Steps } from "../world/process.ts";
import { DeviceError } from "../world/process.ts";
import type { LogEntry } from "./log-index.ts";
import { LogIndex } from "./log-index.ts";

/** A copy takes time, in which commits, checkpoints and trims come. */
const copySteps = 20;

export interface SimulatedQueueOptions {
  readonly partitionCount: number;
  readonly bytesMax: number;
}

export class SimulatedQueue implements ClickQueueWriter, ClickQueueReader {
  readonly partitionCount: number;
  readonly spread = 1;
  private readonly disk: SimulatedDisk;
  private readonly steps: Steps;
  private readonly bytesMax: number;
  private readonly index: LogIndex;
  private readonly turns = new Turns();
  private failure: CodedError | undefined;

  /** Throws `data_corrupt` where writes that were synced are damaged or missing. */
  constructor(
    disk: SimulatedDisk,
    steps: Steps,
    { partitionCount, bytesMax }: SimulatedQueueOptions,
  ) {
    this.partitionCount = partitionCount;
    this.disk = disk;
    this.steps = steps;
    this.bytesMax = bytesMax;
    this.index = new LogIndex(partitionCount);
    const { file } = this;
    file.truncate(this.countWhole());
    // What a process that was killed had written must be durable before anybody builds on it.
    file.sync();
    for (const [i, chunk] of file.chunks.entries()) this.index.apply(unsealed<LogEntry>(chunk)!, i);
  }

  get nextOffsets(): readonly number[] {
    return this.index.ends;
  }

  append(records: readonly NewRecord[]): Promise<Position[]> {
    return this.turns.take(async () => {
      if (records.length === 0) return [];
      for (const { partition } of records) this.index.bounds(partition);
      await this.steps.step("append.begin");
      this.checkUsable();
      this.checkBudget(records);
      // The writer may use its buffers again.
      const own = records.map((record) =>
        Object.assign({}, record, { bytes: record.bytes.slice() }),
      );
      const positions = this.nextPositions(own);
      await this.write({ kind: "group", records: own }, "append");
      return positions;
    });
  }

  trim(partition: number, beforeOffset: number): Promise<void> {
    return this.turns.take(async () => {
      const { firstOffset, nextOffset } = this.index.bounds(partition);
      if (beforeOffset > nextOffset)
        throw new RangeError(`partition ${partition} can't be trimmed beyond its end`);
      if (beforeOffset <= firstOffset) return;
      await this.steps.step("trim.begin");
      await this.write({ kind: "trim", partition, beforeOffset }, "trim");
    });
  }

  async sizeBytes(): Promise<number> {
    return this.index.bytes;
  }

  async bounds(partition: number): Promise<PartitionBounds> {
    return this.index.bounds(partition);
  }

  async ends(): Promise<readonly number[]> {
    return this.index.ends;
  }

  async read(partition: number, fromOffset: number, limits: ReadLimits): Promise<StoredRecord[]> {
    if (!(await this.reaches())) throw new CodedError("queue_unavailable", "it is out of reach");
    const read: StoredRecord[] = [];
    let clicks = 0;
    for (const { chunk, bytes, clickCount } of this.index.from(partition, fromOffset)) {
      const offset = fromOffset + read.length;
      if (unsealed(this.file.chunks[chunk]!) === undefined) throw damaged(chunk);
      read.push({ offset, bytes, clickCount });
      clicks += clickCount;
      if (read.length >= limits.recordsMax || clicks >= limits.clicksMax) break;
    }
    return read;
  }

  async backlog(partition: number, fromOffset: number): Promise<Backlog> {
    const { firstOffset, nextOffset } = this.index.bounds(partition);
    const from = Math.min(Math.max(firstOffset, fromOffset), nextOffset);
    const behind = this.index.from(partition, from);
    return {
      records: behind.length,
      clicks: behind.reduce((sum, { clickCount }) => sum + clickCount, 0),
      oldestReceivedAtMs: behind[0]?.receivedAtMs,
    };
  }

  /**
   * What is in the log when it is called, record by record from this progress on, and what is trimmed of it by the time
   * that all are copied. What was trimmed before is copied too: judges read whole logs.
   */
  async copyLog(from: readonly PartitionProgress[]): Promise<readonly Chunk[]> {
    const count = this.file.chunks.length;
    for (let partition = 0; partition < this.partitionCount; partition++) {
      const progress = from.find((known) => known.partition === partition);
      const { firstOffset, nextOffset } = this.index.bounds(partition);
      const records = nextOffset - (progress?.nextOffset ?? firstOffset);
      for (let step = 0; step < copySteps * (1 + records); step++) await this.reaches();
    }
    const trims = this.file.chunks
      .slice(count)
      .filter((chunk) => unsealed<LogEntry>(chunk)?.kind === "trim");
    return wholeCopy([...this.file.chunks.slice(0, count), ...trims]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.failure ??= new CodedError("storage_failed", "the queue is closed");
  }

  /** Takes the time of a look at the log. False where it is out of reach for who reads it; a copy is made where it lies. */
  private async reaches(): Promise<boolean> {
    try {
      await this.steps.step("read");
      return true;
    } catch (error) {
      if (error instanceof DeviceError && error.kind === "queue_outage") return false;
      throw error;
    }
  }

  private get file(): SimulatedFile {
    return this.disk.file(fileNames.queue);
  }

  private async write(entry: LogEntry, protocol: "append" | "trim"): Promise<void> {
    this.checkUsable();
    const { file, steps } = this;
    try {
      await steps.step(`${protocol}.write`, () => file.append(sealed(entry)));
      await steps.step(`${protocol}.sync`, () => file.sync());
    } catch (error) {
      throw this.refusal(error);
    }
    this.index.apply(entry, file.chunks.length - 1);
    const mark = this.disk.file(fileNames.mark);
    mark.truncate(0);
    mark.append(sealed(file.syncedCount));
    await steps.step(`${protocol}.done`);
  }

  private checkUsable(): void {
    if (this.failure) throw this.failure;
  }

  /** A failed sync is final: what is durable is unknown. */
  private refusal(error: unknown): unknown {
    if (!(error instanceof DeviceError)) return error;
    if (error.kind === "disk_full")
      return new CodedError("queue_full", "the disk of the click queue is full", { cause: error });
    this.failure = new CodedError("storage_failed", "the click queue can't be synced", {
      cause: error,
    });
    return this.failure;
  }

  private nextPositions(records: readonly NewRecord[]): Position[] {
    const next = this.index.ends;
    return records.map(({ partition }) => ({ partition, offset: next[partition]!++ }));
  }

  private checkBudget(records: readonly NewRecord[]): void {
    const newBytes = records.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (this.index.bytes + newBytes > this.bytesMax)
      throw new CodedError("queue_full", `the click queue has no room for ${newBytes} bytes`);
  }

  /** Writes up to a torn last one. */
  private countWhole(): number {
    const { chunks } = this.file;
    const marked = this.disk.file(fileNames.mark).chunks[0];
    const syncedCount = (marked && unsealed<number>(marked)) ?? 0;
    const firstBad = chunks.findIndex((chunk) => unsealed(chunk) === undefined);
    const whole = firstBad === -1 ? chunks.length : firstBad;
    const isTail = chunks.slice(whole).every((chunk) => unsealed(chunk) === undefined);
    if (whole < syncedCount || !isTail) throw damaged(whole);
    return whole;
  }
}

function damaged(chunk: number): CodedError {
  return new CodedError("data_corrupt", `the click queue is damaged at write ${chunk}`);
}
