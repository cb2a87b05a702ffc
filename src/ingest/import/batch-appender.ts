import { setTimeout as delay } from "node:timers/promises";
import { CodedError } from "../../model/errors.ts";
import type { ItemErrorCode } from "../../model/errors.ts";
import type { Position } from "../../model/log-record.ts";

/** Appends a batch as history; resolves with its places in the log once it is durable. */
export type AppendBatch = (
  batchBytes: Uint8Array<ArrayBuffer>,
  source: string,
) => Promise<readonly Position[]>;

/** What became of a file's rows so far; accepted, rejected and unknown without those that are skipped. */
export interface Tally {
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: Readonly<Partial<Record<ItemErrorCode, number>>>;
  readonly unknownFields: number;
}

/** Batches on their way to the log while the next one is decoded. */
const appendsInFlightMax = 2;

/** While the service catches up, a batch is offered again and again, up to this long. */
const catchUpMsMax = 600_000;
const retryDelayMs = 500;

/** Appends batches in their order, a few at a time. */
export class BatchAppender {
  /** Called after each append, in order, with the tally that the batch was given with and all positions so far. */
  onAppended: (tally: Tally, positions: readonly Position[]) => Promise<void> = async () => {};
  private readonly appendBatch: AppendBatch;
  private readonly source: string;
  private readonly positions: Position[] = [];
  private inFlight = 0;
  private last: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | undefined;
  private wake = (): void => {};

  constructor(appendBatch: AppendBatch, source: string) {
    this.appendBatch = appendBatch;
    this.source = source;
  }

  /** Resolves when there is room for the next batch. */
  async append(bytes: Uint8Array, tally: Tally): Promise<void> {
    this.inFlight++;
    const appended = this.offer(bytes);
    this.last = Promise.all([appended, this.last]).then(async ([positions]) => {
      this.positions.push(...positions);
      await this.onAppended(tally, this.positions);
    });
    this.last.then(
      () => this.settle(),
      (error: unknown) => this.settle({ error }),
    );
    while (this.inFlight >= appendsInFlightMax && !this.failure) {
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    if (this.failure) throw this.failure.error;
  }

  /** All positions, once everything is durable. */
  async finish(): Promise<readonly Position[]> {
    await this.last;
    return this.positions;
  }

  private settle(failure?: { readonly error: unknown }): void {
    this.inFlight--;
    this.failure ??= failure;
    this.wake();
  }

  private async offer(bytes: Uint8Array): Promise<readonly Position[]> {
    const deadlineMs = performance.now() + catchUpMsMax;
    for (;;) {
      try {
        // A copy: it may be given away to another thread, and this one be needed again.
        return await this.appendBatch(bytes.slice(), this.source);
      } catch (error) {
        if (!isPassing(error) || performance.now() > deadlineMs) throw error;
        await delay(retryDelayMs);
      }
    }
  }
}

/** True for refusals that end when the service has caught up. */
function isPassing(error: unknown): boolean {
  return error instanceof CodedError && (error.code === "overloaded" || error.code === "queue_full");
}
