/** Posts clicks to a running service until it has taken them. */

import { setTimeout as delay } from "node:timers/promises";
import type { ClicksAnswer } from "../client/answers.ts";
import { backoffMs } from "../client/backoff.ts";
import { Connection } from "../client/connection.ts";
import type { ServiceError } from "../client/service-error.ts";
import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";
import type { ServiceAddress } from "./client.ts";
import { authorizationOf } from "./client.ts";

export interface SenderOptions extends ServiceAddress {
  /** Asks the service to answer after the clicks are counted. */
  readonly waitCounted?: boolean;
  /** Gives up after so long without an answer to one batch. */
  readonly giveUpMs?: number;
  readonly signal?: AbortSignal;
}

const giveUpMsDefault = 600_000;
const answerMsMax = 300_000;
/** Somebody looks on. */
const retryDelayMsMax = 5_000;

export class ClickSender {
  private readonly options: SenderOptions;
  private readonly connection: Connection;

  constructor(options: SenderOptions) {
    this.options = options;
    this.connection = new Connection({
      url: options.url,
      headers: authorizationOf(options),
      timeoutMs: answerMsMax,
      fetch,
    });
  }

  /**
   * Sends the lines, the same bytes again and again, until there is an answer. `onRetry` is told of each attempt that
   * got none or was refused for now.
   */
  async send(lines: string, onRetry?: (reason: string) => void): Promise<ClicksAnswer> {
    const { url, giveUpMs = giveUpMsDefault, signal, waitCounted } = this.options;
    const deadline = performance.now() + giveUpMs;
    for (let failures = 1; ; failures++) {
      const posted = await this.connection.post(lines, { signal, waitCounted });
      if (posted.kind === "answered") return posted.answer;
      const { error } = posted;
      signal?.throwIfAborted();
      if (!isPassing(error)) throw refusal(url, error);
      if (performance.now() > deadline)
        throw error.status === undefined
          ? error
          : new Error(`no answer from ${url}: ${error.message}`);
      onRetry?.(error.message);
      const waitMs = backoffMs(failures, error.retryAfterMs, Math.random());
      await delay(Math.min(retryDelayMsMax, waitMs), undefined, signal ? { signal } : {});
    }
  }
}

function isPassing({ status }: ServiceError): boolean {
  return status === undefined || status === 503 || status === 429;
}

/** With the service's code, where it is the service that refuses. */
function refusal(url: string, { code, message }: ServiceError): Error {
  const what = `${url} refused a batch: ${message}`;
  return code === undefined ? new Error(what) : new CodedError(code as ErrorCode, what);
}
