import type { Clock } from "../clock/clock.ts";
import { pause } from "../clock/clock.ts";
import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";

/** Pauses between the tries of one thing: each is twice the one before, up to a bound. */
export interface RetryDelays {
  readonly msMin: number;
  readonly msMax: number;
}

export interface RetryOptions {
  readonly clock: Clock;
  readonly stop: AbortSignal;
  /** Has a default. */
  readonly delays?: RetryDelays;
  /** Called at each failed try. */
  readonly failed: (error: unknown, tries: number) => void;
  /** Whether it may be another time; has a default, which all but what is broken for good passes. */
  readonly mayPass?: (error: unknown) => boolean;
}

const defaultDelays: RetryDelays = { msMin: 50, msMax: 5_000 };

const neverMended: ReadonlySet<ErrorCode> = new Set(["data_corrupt", "store_taken_over"]);

/** Tries until it is done: the queue keeps what comes meanwhile. Rejects where it never can be or `stop` was given. */
export async function retryUntilDone<T>(
  work: () => Promise<T>,
  { clock, stop, delays = defaultDelays, failed, mayPass = isNotLasting }: RetryOptions,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      failed(error, tries);
      if (!mayPass(error)) throw error;
      await pause(clock, Math.min(delays.msMin * 2 ** (tries - 1), delays.msMax), stop);
      stop.throwIfAborted();
    }
  }
}

function isNotLasting(error: unknown): boolean {
  return !(error instanceof CodedError) || !neverMended.has(error.code);
}
