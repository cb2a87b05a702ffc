/** Posts clicks to a running service until it has taken them. */

import { setTimeout as delay } from "node:timers/promises";
import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";
import type { ServiceAddress } from "./client.ts";
import { authorizationOf } from "./client.ts";

export interface SendAnswer {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly errors: readonly {
    readonly index: number;
    readonly field?: string;
    readonly code: string;
    readonly message: string;
  }[];
  /** With `wait`, where the service decided in time. */
  readonly counted?: number;
  readonly duplicates?: number;
  readonly restated?: number;
  readonly quarantined?: number;
  readonly expired?: number;
}

export interface SenderOptions extends ServiceAddress {
  /** Asks the service to answer after the clicks are counted. */
  readonly waitCounted?: boolean;
  /** Gives up after so long without an answer to one batch. */
  readonly giveUpMs?: number;
  readonly signal?: AbortSignal;
}

const giveUpMsDefault = 600_000;
const retryDelayMs = 250;
const retryDelayMsMax = 5_000;

export class ClickSender {
  private readonly options: SenderOptions;
  private readonly target: string;
  private readonly headers: Readonly<Record<string, string>>;

  constructor(options: SenderOptions) {
    this.options = options;
    this.target = new URL(
      `/v1/clicks${options.waitCounted === true ? "?wait=counted" : ""}`,
      options.url,
    ).href;
    this.headers = { "content-type": "application/x-ndjson", ...authorizationOf(options) };
  }

  /**
   * Sends the lines, the same bytes again and again, until there is an answer. `onRetry` is told of each attempt that
   * got none or was refused for now.
   */
  async send(lines: string, onRetry?: (reason: string) => void): Promise<SendAnswer> {
    const { giveUpMs = giveUpMsDefault, signal } = this.options;
    const deadline = performance.now() + giveUpMs;
    for (;;) {
      const attempt = await this.attempt(lines);
      if ("answer" in attempt) return attempt.answer;
      signal?.throwIfAborted();
      if (performance.now() > deadline)
        throw new Error(`no answer from ${this.target}: ${attempt.reason}`);
      onRetry?.(attempt.reason);
      await delay(attempt.waitMs, undefined, signal ? { signal } : {});
    }
  }

  private async attempt(
    lines: string,
  ): Promise<{ answer: SendAnswer } | { reason: string; waitMs: number }> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.target, {
        method: "POST",
        headers: this.headers,
        body: lines,
        ...(this.options.signal ? { signal: this.options.signal } : {}),
      });
      text = await response.text();
    } catch (error) {
      const cause = (error as Error).cause ?? error;
      return { reason: (cause as Error).message, waitMs: retryDelayMs };
    }
    const body = parseAnswer(text);
    // 400 with an answer: nothing of the batch was good, and it says why.
    if ((response.ok || response.status === 400) && body !== undefined) return { answer: body };
    const reason = `${response.status} ${text.slice(0, 300)}`;
    if (response.status !== 503 && response.status !== 429)
      throw refusal(text, `${this.target} refused a batch: ${reason}`);
    const waitMs = Number(response.headers.get("retry-after") ?? Number.NaN) * 1000;
    return {
      reason,
      waitMs: Math.min(retryDelayMsMax, Number.isNaN(waitMs) ? retryDelayMs : waitMs),
    };
  }
}

/** With the service's code, where it is the service that refuses. */
function refusal(text: string, message: string): Error {
  try {
    const { code } = JSON.parse(text) as { code?: unknown };
    if (typeof code === "string") return new CodedError(code as ErrorCode, message);
  } catch {
    // A proxy's page.
  }
  return new Error(message);
}

function parseAnswer(text: string): SendAnswer | undefined {
  try {
    const answer = JSON.parse(text) as SendAnswer;
    return typeof answer.received === "number" ? answer : undefined;
  } catch {
    return undefined;
  }
}
