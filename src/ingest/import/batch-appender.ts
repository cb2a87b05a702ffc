import { setTimeout as delay } from "node:timers/promises";
import { CodedError } from "../../model/errors.ts";
import type { ErrorCode, ItemErrorCode } from "../../model/errors.ts";

/** Appends a batch as history; resolves once it is durable. */
export type AppendBatch = (batchBytes: Uint8Array<ArrayBuffer>, source: string) => Promise<unknown>;

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
  /** Called after each append, in order, with the tally that the batch was given with. */
  onAppended: (tally: Tally) => Promise<void> = async () => {};
  private readonly appendBatch: AppendBatch;
  private readonly source: string;
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
    // Told below, after what came before it: that is noted first.
    appended.catch(() => {});
    this.last = this.last.then(() => appended).then(() => this.onAppended(tally));
    this.last.then(
      () => this.settle(),
      (error: unknown) => this.settle({ error }),
    );
    while (this.inFlight >= appendsInFlightMax && !this.failure) {
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    if (this.failure) throw this.failure.error;
  }

  /** Resolves once everything is durable. */
  async finish(): Promise<void> {
    await this.last;
  }

  private settle(failure?: { readonly error: unknown }): void {
    this.inFlight--;
    this.failure ??= failure;
    this.wake();
  }

  private async offer(bytes: Uint8Array): Promise<void> {
    const deadlineMs = performance.now() + catchUpMsMax;
    for (;;) {
      try {
        // A copy: it may be given away to another thread, and this one be needed again.
        await this.appendBatch(bytes.slice(), this.source);
        return;
      } catch (error) {
        if (!isPassing(error) || performance.now() > deadlineMs) throw error;
        await delay(retryDelayMs);
      }
    }
  }
}

const passingCodes: ReadonlySet<ErrorCode> = new Set(["overloaded", "queue_full", "not_ready"]);

/** True for refusals that end when the service has caught up. */
function isPassing(error: unknown): boolean {
  return error instanceof CodedError && passingCodes.has(error.code);
}
