/**
 * Clicks on their way to the service. A click leaves by being acknowledged, by being refused by name, or as lost, which is
 * told; until then it is sent again and again, the same each time. Batches have as many clicks as the service names when it
 * refuses them, so that each refused click is known.
 */

import type { ItemError } from "./answers.ts";
import { backoffMs } from "./backoff.ts";
import type { Click } from "./click.ts";
import type { Posted } from "./connection.ts";
import type { ServiceError } from "./service-error.ts";

export const batchClicksMax = 100;
/** Below the 64 KiB that may outlive a page. */
const batchBytesMax = 60_000;

export type LostReason = "buffer_full" | "closed";

export interface Retry {
  readonly error: ServiceError;
  /** In a row. */
  readonly failures: number;
  readonly waitMs: number;
}

export interface OutboxOptions {
  readonly post: (lines: string, signal: AbortSignal) => Promise<Posted>;
  readonly batchClicks: number;
  /** How long a click waits for others. */
  readonly delayMs: number;
  readonly bufferClicks: number;
  readonly inFlightMax: number;
  readonly onSettled: (click: Click) => void;
  readonly onRejected: (click: Click, error: ItemError) => void;
  readonly onLost: (click: Click, reason: LostReason) => void;
  readonly onRetry: (retry: Retry) => void;
}

interface Entry {
  readonly click: Click;
  readonly line: string;
  readonly bytes: number;
  readonly number: number;
}

interface Flush {
  /** Of the last click that it waits for. */
  readonly number: number;
  readonly resolve: () => void;
}

const encoder = new TextEncoder();

export class Outbox {
  private readonly options: OutboxOptions;
  private readonly stopping = new AbortController();
  private waiting: Entry[] = [];
  /** Batches that were sent and have to be sent again, or in parts. */
  private ready: (readonly Entry[])[] = [];
  private readonly flying = new Set<readonly Entry[]>();
  private flushes: Flush[] = [];
  private added = 0;
  private size = 0;
  private failures = 0;
  /** No more waiting for others. */
  private isDue = false;
  private isClosed = false;
  private dueTimer: Timer | undefined;
  /** Runs while nothing is sent after a failure. */
  private pause: Timer | undefined;

  constructor(options: OutboxOptions) {
    this.options = options;
  }

  /** False where it was not taken, which has been told as lost. */
  add(click: Click): boolean {
    if (this.isClosed || this.size >= this.options.bufferClicks) {
      this.options.onLost(click, this.isClosed ? "closed" : "buffer_full");
      return false;
    }
    const line = JSON.stringify(click);
    const bytes = encoder.encode(line).length + 1;
    this.waiting.push({ click, line, bytes, number: ++this.added });
    this.size++;
    this.dueTimer ??= startTimer(() => this.sendDue(), this.options.delayMs);
    this.pump();
    return true;
  }

  /** Resolves when each click that is in now has left. */
  async flush(): Promise<void> {
    if (this.size === 0) return;
    const left = new Promise<void>((resolve) => this.flushes.push({ number: this.added, resolve }));
    this.pause?.ref?.();
    this.sendDue();
    await left;
  }

  /** Sends what waits at once, whatever has failed before: there may be no other time. */
  sendNow(): void {
    while (this.ready.length > 0 || this.waiting.length > 0) void this.send(this.takeBatch());
  }

  /** Those that have not left. */
  get clicks(): Click[] {
    return this.entries.map(({ click }) => click);
  }

  private get entries(): Entry[] {
    return [...this.flying, ...this.ready, this.waiting].flat();
  }

  /** Takes no more clicks. Resolves with those that have not left in time; they are not sent again. */
  async close(timeoutMs: number): Promise<Click[]> {
    this.isClosed = true;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, timeoutMs);
    await Promise.race([this.flush(), late.promise]);
    clearTimeout(timer);
    const left = this.clicks;
    this.stopping.abort();
    clearTimeout(this.dueTimer);
    clearTimeout(this.pause);
    [this.waiting, this.ready] = [[], []];
    return left;
  }

  private sendDue(): void {
    clearTimeout(this.dueTimer);
    this.dueTimer = undefined;
    this.isDue = true;
    this.pump();
  }

  private pump(): void {
    // After a failure one batch finds out whether the service is there again.
    const inFlightMax = this.failures === 0 ? this.options.inFlightMax : 1;
    while (
      this.pause === undefined &&
      this.flying.size < inFlightMax &&
      (this.ready.length > 0 || this.isBatchDue)
    )
      void this.send(this.takeBatch());
    if (this.waiting.length === 0) this.isDue = false;
  }

  private get isBatchDue(): boolean {
    const { length } = this.waiting;
    return length > 0 && (this.isDue || length >= this.options.batchClicks);
  }

  private takeBatch(): readonly Entry[] {
    const again = this.ready.shift();
    if (again) return again;
    let count = 0;
    let bytes = 0;
    for (const entry of this.waiting) {
      bytes += entry.bytes;
      if (count === this.options.batchClicks || (count > 0 && bytes > batchBytesMax)) break;
      count++;
    }
    return this.waiting.splice(0, count);
  }

  private async send(batch: readonly Entry[]): Promise<void> {
    this.flying.add(batch);
    const lines = batch.map(({ line }) => `${line}\n`).join("");
    const posted = await this.options.post(lines, this.stopping.signal);
    this.flying.delete(batch);
    if (this.stopping.signal.aborted) return;
    if (posted.kind === "answered") {
      this.failures = 0;
      this.leave(batch, new Map(posted.answer.errors.map((error) => [error.index, error])));
    } else if (posted.kind === "failed") {
      this.ready.unshift(batch);
      this.rest(posted.error);
    } else if (batch.length > 1) {
      const half = Math.ceil(batch.length / 2);
      this.ready.unshift(batch.slice(0, half), batch.slice(half));
    } else {
      const { code = "too_large", message } = posted.error;
      this.leave(batch, new Map([[0, { index: 0, code, message }]]));
    }
    this.pump();
  }

  private rest(error: ServiceError): void {
    // Of several batches that fail together the first says it all.
    if (this.pause !== undefined) return;
    const failures = ++this.failures;
    const waitMs = backoffMs(failures, error.retryAfterMs, Math.random());
    this.pause = startTimer(() => {
      this.pause = undefined;
      this.pump();
    }, waitMs);
    if (this.flushes.length > 0) this.pause.ref?.();
    this.options.onRetry({ error, failures, waitMs });
  }

  private leave(batch: readonly Entry[], errors: ReadonlyMap<number, ItemError>): void {
    this.size -= batch.length;
    for (const [index, { click }] of batch.entries()) {
      const error = errors.get(index);
      if (error) this.options.onRejected(click, error);
      this.options.onSettled(click);
    }
    if (this.flushes.length === 0) return;
    const first = this.entries.reduce((lowest, { number }) => Math.min(lowest, number), Infinity);
    for (const { number, resolve } of this.flushes) if (number < first) resolve();
    this.flushes = this.flushes.filter(({ number }) => number >= first);
  }
}

/** Of Node an object that may keep the process from ending, of a browser a number. */
type Timer = ReturnType<typeof setTimeout> & { ref?: () => void; unref?: () => void };

/** One that does not keep a process from ending: see the client's end. */
function startTimer(callback: () => void, ms: number): Timer {
  const timer = setTimeout(callback, ms) as Timer;
  timer.unref?.();
  return timer;
}
