/** One request to the service. */

import type { ClicksAnswer } from "./answers.ts";
import { parseObject, refusalOf, ServiceError } from "./service-error.ts";

export interface ConnectionOptions {
  /** Of the service, with the path before `/v1` if there is one. */
  readonly url: string;
  /** Sent as `Authorization: Bearer`. */
  readonly apiKey?: string | undefined;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
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
  readonly hasKey: boolean;
  private readonly base: string;
  private readonly options: ConnectionOptions;
  private readonly authorization: Readonly<Record<string, string>>;

  constructor(options: ConnectionOptions) {
    const { url, apiKey } = options;
    this.base = url.endsWith("/") ? url.slice(0, -1) : url;
    this.clicksUrl = `${this.base}/v1/clicks`;
    this.hasKey = apiKey !== undefined;
    this.options = options;
    this.authorization = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  }

  /** `lines`: NDJSON. `keepalive`: the request outlives the page; its body has 64 KiB at most. */
  async post(lines: string, keepalive: boolean, signal: AbortSignal): Promise<Posted> {
    let response: Response;
    let text: string;
    try {
      response = await this.request(this.clicksUrl, signal, {
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
      headers: { accept: "application/json", ...this.authorization, ...init.headers },
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
