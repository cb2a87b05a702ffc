/** The order of commits as far as this process has read its log. */

import { Turns } from "../clock/turns.ts";
import { CodedError } from "../model/errors.ts";
import type { Decision, OrderState } from "./commit-order.ts";
import { CommitOrder } from "./commit-order.ts";
import type { OrderLog } from "./order-log.ts";
import { outOfOrder } from "./order-log.ts";
import type { OrderRecord } from "./order-record.ts";

/** The order when the records before `offset` were read. */
export interface OrderSnapshot {
  readonly offset: number;
  readonly state: OrderState;
}

/** Told of each record that is read, with what is settled by it. */
export type OrderListener = (record: OrderRecord, settled: readonly Decision[]) => void;

export class OrderReader {
  readonly order: CommitOrder;
  readonly log: OrderLog;
  private readonly listeners: OrderListener[] = [];
  private readonly turns = new Turns();
  private offset: number;
  private hasLost = false;

  private constructor(log: OrderLog, snapshot: OrderSnapshot | undefined) {
    this.log = log;
    this.order = snapshot ? CommitOrder.from(snapshot.state) : new CommitOrder();
    this.offset = snapshot?.offset ?? 0;
  }

  /** Reads all that is there. Rejects with `data_corrupt` where the log does not go on from the snapshot. */
  static async open(log: OrderLog, snapshot: OrderSnapshot | undefined): Promise<OrderReader> {
    const reader = new OrderReader(log, snapshot);
    const firstOffset = await log.firstOffset();
    if (reader.offset < firstOffset)
      throw outOfOrder(
        `begins with record ${firstOffset}, the database goes on from ${reader.offset}`,
      );
    await reader.readAll();
    return reader;
  }

  listen(listener: OrderListener): void {
    this.listeners.push(listener);
  }

  get snapshot(): OrderSnapshot {
    return { offset: this.offset, state: this.order.state };
  }

  /** The log was trimmed beyond what it has read, so that it can't go on: it has to be opened anew. */
  get isLost(): boolean {
    return this.hasLost;
  }

  get nextOffset(): number {
    return this.offset;
  }

  /** Resolves at the end of the log, which others may have moved on meanwhile. */
  readAll(): Promise<void> {
    return this.turns.take(async () => {
      while (await this.readSome());
    });
  }

  /** Resolves once the record at this offset, which is in the log, is read. */
  readThrough(offset: number): Promise<void> {
    return this.turns.take(async () => {
      while (this.offset <= offset) await this.readSome();
    });
  }

  private async readSome(): Promise<boolean> {
    const records = await this.readOn();
    for (const { offset, record } of records) {
      this.offset = offset + 1;
      const settled = this.order.apply(record);
      for (const listener of this.listeners) listener(record, settled);
    }
    return records.length > 0;
  }

  private async readOn(): ReturnType<OrderLog["read"]> {
    const { log } = this;
    try {
      return await log.read(this.offset);
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "data_corrupt") throw error;
      this.hasLost = (await log.firstOffset()) > this.offset;
      if (!this.hasLost) throw error;
      throw new CodedError(
        "store_taken_over",
        "this process has not read the order of commits for so long that it can't go on; start it again",
        { cause: error },
      );
    }
  }
}
