/** One request to the service. */

import type { ClicksAnswer } from "./answers.ts";
import { parseObject, refusalOf, ServiceError } from "./service-error.ts";

export interface ConnectionOptions {
  /** Of the service, with the path before `/v1` if there is one. */
  readonly url: string;
  /** Of every request: the key. */
  readonly headers: Readonly<Record<string, string>>;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
}

export interface PostOptions {
  readonly signal?: AbortSignal | undefined;
  /** The request outlives its page; the body has 64 KiB at most. */
  readonly keepalive?: boolean;
  /** Asks for the answer once the clicks are counted, with what became of them. */
  readonly waitCounted?: boolean | undefined;
}

export type Posted =
  /** Which clicks of it were refused is in the answer. */
  | { readonly kind: "answered"; readonly answer: ClicksAnswer }
  /** To be sent in smaller parts. */
  | { readonly kind: "too_large"; readonly error: ServiceError }
  /** To be sent again, as it is: nobody knows what became of it, or nothing did. */
  | { readonly kind: "failed"; readonly error: ServiceError };

export class Connection {
  readonly clicksUrl: string;
  private readonly base: string;
  private readonly options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    const { url } = options;
    this.base = url.endsWith("/") ? url.slice(0, -1) : url;
    this.clicksUrl = `${this.base}/v1/clicks`;
    this.options = options;
  }

  /** `lines`: NDJSON. */
  async post(lines: string, options: PostOptions = {}): Promise<Posted> {
    const { signal, keepalive = false, waitCounted = false } = options;
    const target = `${this.clicksUrl}${waitCounted ? "?wait=counted" : ""}`;
    let response: Response;
    let text: string;
    try {
      response = await this.request(target, signal, {
        method: "POST",
        headers: { "content-type": clicksType },
        body: lines,
        ...(keepalive && { keepalive }),
      });
      text = await response.text();
    } catch (error) {
      return { kind: "failed", error: silence(this.base, error) };
    }
    // 400 with an answer: none of them was good, and it says why.
    const answer = response.ok || response.status === 400 ? parseObject(text) : undefined;
    if (typeof answer?.["received"] === "number")
      return { kind: "answered", answer: answer as unknown as ClicksAnswer };
    const error = refusalOf(response, text);
    return { kind: response.status === 413 ? "too_large" : "failed", error };
  }

  /** Parameters that are undefined are not sent. Throws ServiceError where there is no answer. */
  async get<Answer>(path: string, parameters: object): Promise<Answer> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters))
      if (value !== undefined) query.set(name, String(value));
    let response: Response;
    let text: string;
    try {
      response = await this.request(`${this.base}${path}?${query.toString()}`);
      text = await response.text();
    } catch (error) {
      throw silence(this.base, error);
    }
    const answer = response.ok ? parseObject(text) : undefined;
    if (answer === undefined) throw refusalOf(response, text);
    return answer as Answer;
  }

  private request(url: string, signal?: AbortSignal, init: RequestInit = {}): Promise<Response> {
    const late = AbortSignal.timeout(this.options.timeoutMs);
    // Called by itself: browsers want it so.
    const { fetch: ask } = this.options;
    return ask(url, {
      credentials: "omit",
      ...init,
      headers: { accept: "application/json", ...this.options.headers, ...init.headers },
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
  }
}

export const clicksType = "application/x-ndjson";

function silence(base: string, error: unknown): ServiceError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ServiceError(`no answer from ${base}: ${why}`, { cause: error });
}
