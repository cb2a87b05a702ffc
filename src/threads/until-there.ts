import { setTimeout as timeout } from "node:timers/promises";
import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";

const awayCodes: ReadonlySet<ErrorCode> = new Set(["queue_unavailable", "store_unavailable"]);
const tryAgainMs = 1_000;

export interface UntilThereOptions {
  /** Told why it waits, once for each reason. */
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal;
}

/** Opens something over a queue or store of other machines, which may be away: then again and again. */
export async function untilThere<T>(
  open: () => Promise<T>,
  { warn, signal }: UntilThereOptions,
): Promise<T> {
  let told: ErrorCode | undefined;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof CodedError) || !awayCodes.has(error.code)) throw error;
      if (error.code !== told) warn(`the start waits: ${error.message}`);
      told = error.code;
      await timeout(tryAgainMs, undefined, { signal });
    }
  }
}
