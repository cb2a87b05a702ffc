/** Where the order of commits is: a queue of one partition, that all append to and read alike. */

import { CodedError } from "../model/errors.ts";
import type { ClickQueueReader, ClickQueueWriter } from "../queue/click-queue.ts";
import type { OrderRecord } from "./order-record.ts";
import { decodeOrderRecord, encodeOrderRecord } from "./order-record.ts";

const partition = 0;
const limits = { clicksMax: 1, recordsMax: 1_000 };

type OrderWriter = Pick<ClickQueueWriter, "append" | "trim">;

export class OrderLog implements AsyncDisposable {
  private readonly reader: ClickQueueReader;
  private readonly writer: OrderWriter | undefined;

  /** The reader is its own from here on. `writer`: absent for those who only read. */
  constructor(reader: ClickQueueReader, writer?: OrderWriter) {
    this.reader = reader;
    this.writer = writer;
  }

  /** Resolves with the record's offset, once it is durable; where it rejects, the record may still come. */
  async append(record: OrderRecord, nowMs: number): Promise<number> {
    const { writer } = this;
    if (!writer) throw new TypeError("this process only reads the order of commits");
    const bytes = encodeOrderRecord(record);
    const [position] = await writer.append([
      { partition, bytes, clickCount: 0, receivedAtMs: nowMs },
    ]);
    return position!.offset;
  }

  async firstOffset(): Promise<number> {
    return (await this.reader.bounds(partition)).firstOffset;
  }

  /** Some from there on; none at its end. */
  async read(
    fromOffset: number,
  ): Promise<{ readonly offset: number; readonly record: OrderRecord }[]> {
    const records = await this.reader.read(partition, fromOffset, limits);
    return records.map(({ offset, bytes }) => ({ offset, record: decodeOrderRecord(bytes) }));
  }

  async trim(beforeOffset: number): Promise<void> {
    if (beforeOffset > 0) await this.writer?.trim(partition, beforeOffset);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reader[Symbol.asyncDispose]();
  }
}

/** Opens the log for each part of a process that reads it; what they append goes through one writer. */
export class OrderLogs implements AsyncDisposable {
  private readonly openReader: () => Promise<ClickQueueReader>;
  private readonly writer: ClickQueueWriter | undefined;

  /** The writer is its own from here on; absent for those who only read. */
  constructor(openReader: () => Promise<ClickQueueReader>, writer?: ClickQueueWriter) {
    this.openReader = openReader;
    this.writer = writer;
  }

  async open(): Promise<OrderLog> {
    return new OrderLog(await this.openReader(), this.writer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer?.[Symbol.asyncDispose]();
  }
}

/** Of a database that has not followed this log, or another. */
export function outOfOrder(what: string): CodedError {
  return new CodedError("data_corrupt", `the order of commits ${what}`);
}
