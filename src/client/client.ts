/**
 * The client of clicktally, `clicktally/client`, for Node and browsers: sends clicks in batches until the service has them,
 * each once however often it is sent, and asks for counts. It depends on nothing.
 */

import type {
  BreakdownAnswer,
  BreakdownRequest,
  CountAnswer,
  CountRequest,
  ItemError,
  TopAnswer,
  TopRequest,
} from "./answers.ts";
import type { Click, ClickInput } from "./click.ts";
import { captured } from "./click.ts";
import { Connection } from "./connection.ts";
import { mayOutlivePage, onPageHidden, onProcessEnd, sendBeacons } from "./leaving.ts";
import type { LostReason, Retry } from "./outbox.ts";
import { batchClicksMax, Outbox } from "./outbox.ts";
import type { KeyValueStorage } from "./stored-clicks.ts";
import { StoredClicks } from "./stored-clicks.ts";

export type {
  BreakdownAnswer,
  BreakdownRequest,
  Click,
  ClickInput,
  CountAnswer,
  CountRequest,
  ItemError,
  KeyValueStorage,
  LostReason,
  Retry,
  TopAnswer,
  TopRequest,
};
export { ServiceError } from "./service-error.ts";

export interface ClientOptions {
  /** Of the service: `https://clicks.example.com`. */
  readonly url: string;
  /** Of one that may do what is asked of it. In a page everybody can read it: give it the scope to send clicks alone. */
  readonly apiKey?: string | undefined;
  /** Most clicks in a request; 1 to 100, default 100. */
  readonly batchClicks?: number;
  /** How long a click waits for others before it is sent; default 200. */
  readonly delayMs?: number;
  /** Most clicks that wait for the service; default 10,000, in a page 1000. */
  readonly bufferClicks?: number;
  /** How long an answer may take; default 60,000. */
  readonly timeoutMs?: number;
  /** How long `close` tries; default 10,000. */
  readonly closeMs?: number;
  /** Where a page keeps clicks that wait, for the next one; default `localStorage`. Null: nowhere. */
  readonly storage?: KeyValueStorage | null;
  /** A click that the service refuses. Default: a warning on the console, as of the next. */
  readonly onRejected?: (click: Click, error: ItemError) => void;
  /** A click that is not sent any more, and that nobody has acknowledged. */
  readonly onLost?: (click: Click, reason: LostReason) => void;
  /** Clicks could not be sent, and will be again. Default: a warning at the first failure in a row. */
  readonly onRetry?: (retry: Retry) => void;
  readonly fetch?: typeof fetch;
}

export class ClickClient implements AsyncDisposable {
  private readonly connection: Connection;
  private readonly outbox: Outbox;
  private readonly stored: StoredClicks | undefined;
  private readonly closeMs: number;
  private readonly hasKey: boolean;
  private readonly onLost: (click: Click, reason: LostReason) => void;
  private readonly stopListening: (() => void) | undefined;
  private closing: Promise<void> | undefined;

  constructor(options: ClientOptions) {
    const { url, apiKey, batchClicks = batchClicksMax, closeMs = 10_000 } = options;
    if (!(batchClicks >= 1 && batchClicks <= batchClicksMax))
      throw new RangeError(`batchClicks: 1 to ${batchClicksMax} are expected`);
    this.closeMs = closeMs;
    this.hasKey = apiKey !== undefined;
    this.onLost = options.onLost ?? warnOfLost;
    this.connection = new Connection({
      url,
      headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
      timeoutMs: options.timeoutMs ?? 60_000,
      fetch: options.fetch ?? ((...request) => fetch(...request)),
    });
    const isPage = "document" in globalThis;
    const { bufferClicks = isPage ? 1_000 : 10_000 } = options;
    const storage = options.storage === undefined ? pageStorage() : options.storage;
    this.stored = storage ? new StoredClicks(storage, url) : undefined;
    this.outbox = new Outbox({
      post: (lines, signal) => this.connection.post(lines, { keepalive: isPage, signal }),
      batchClicks,
      delayMs: options.delayMs ?? 200,
      bufferClicks,
      // What may outlive a page has 64 KiB together.
      inFlightMax: isPage ? 1 : 4,
      onSettled: (click) => this.stored?.remove(click),
      onRejected: options.onRejected ?? warnOfRejected,
      onLost: this.onLost,
      onRetry: options.onRetry ?? warnOfRetry,
    });
    for (const click of this.stored?.all().slice(0, bufferClicks) ?? []) this.outbox.add(click);
    this.stopListening =
      onPageHidden(() => this.leavePage()) ?? onProcessEnd(() => void this.close());
  }

  /** Takes a click, to be sent soon. Returns its event id. */
  click(click: ClickInput): string {
    const own = captured(click);
    if (this.outbox.add(own)) this.stored?.add(own);
    return own.event_id;
  }

  /** Resolves when all clicks up to now have been acknowledged or refused. */
  async flush(): Promise<void> {
    await this.outbox.flush();
  }

  /** Sends what waits, for `closeMs` at most. What is left then is told as lost, unless it is stored for the next page. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** How many clicks did an ad get? Throws ServiceError, as of the next. */
  count(adId: string, request: CountRequest = {}): Promise<CountAnswer> {
    return this.connection.get(`/v1/ads/${encodeURIComponent(adId)}/aggregated_count`, request);
  }

  /** Which ads got most? */
  top(request: TopRequest = {}): Promise<TopAnswer> {
    return this.connection.get("/v1/top", request);
  }

  /** Clicks by up to three fields and by time; a page of it. */
  breakdown(request: BreakdownRequest = {}): Promise<BreakdownAnswer> {
    return this.connection.get("/v1/breakdown", request);
  }

  private async end(): Promise<void> {
    this.stopListening?.();
    const left = await this.outbox.close(this.closeMs);
    const stored = new Set(this.stored?.all().map(({ event_id }) => event_id));
    for (const click of left) if (!stored.has(click.event_id)) this.onLost(click, "closed");
  }

  private leavePage(): void {
    if (mayOutlivePage()) this.outbox.sendNow();
    else if (!this.hasKey) sendBeacons(this.connection.clicksUrl, this.outbox.clicks);
  }
}

/** Pages may be forbidden to store anything. */
function pageStorage(): KeyValueStorage | undefined {
  if (!("document" in globalThis)) return undefined;
  try {
    return (globalThis as { localStorage?: KeyValueStorage }).localStorage;
  } catch {
    return undefined;
  }
}

function warnOfRejected({ ad_id, event_id }: Click, { code, message }: ItemError): void {
  console.warn(`clicktally: click ${event_id} of ${ad_id} was refused: ${code}: ${message}`);
}

function warnOfLost({ ad_id, event_id }: Click, reason: LostReason): void {
  console.warn(`clicktally: click ${event_id} of ${ad_id} is lost: ${reason}`);
}

function warnOfRetry({ error, failures }: Retry): void {
  if (failures === 1) console.warn(`clicktally: clicks wait: ${error.message}`);
}
