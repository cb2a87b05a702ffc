/** What is told live: computed once for all who ask the same, about once a second, and not at all where nobody listens. */

import { CodedError } from "../model/errors.ts";
import type { QueryService, StatusAnswer, TopAnswer, TopRequest } from "../query/query-service.ts";
import { problemOf } from "./problems.ts";

/** What `/v1/status` and `/v1/top` say, and what only the time between two looks tells. */
export interface LiveAnswer {
  /** Clock of the service, RFC 3339. */
  readonly at: string;
  /** Clicks received a second, over the last seconds; null until there are two looks. */
  readonly clicks_a_second: number | null;
  readonly status: StatusAnswer;
  readonly top: TopAnswer;
}

export type LiveRequest = Pick<TopRequest, "topN" | "window" | "filter">;

/** Told with what to send, as an event. */
export type LiveListener = (event: string) => void;

export interface LiveFeedOptions {
  readonly query: Pick<QueryService, "status" | "top">;
  readonly everyMs?: number;
  readonly topicsMax?: number;
}

/** Different requests that are answered at a time; the same one of many listeners is one. */
const defaultTopicsMax = 20;
const defaultEveryMs = 1_000;
const defaultWindow = "60m";
/** The rate is over so much time: steady for the eye, and soon right again. */
const rateOverMs = 5_000;

/** Of the time, rankings of one request are computed at most so much: those of long windows are told more rarely. */
const busyShareMax = 0.05;

interface Topic {
  readonly request: LiveRequest;
  readonly listeners: Set<LiveListener>;
  /** The newest, or why there is none. */
  top: TopAnswer | CodedError | undefined;
  /** Windows end with the minute, so that a new one changes the answer too. */
  minute: number;
  /** Being asked for now. */
  asking: Promise<void> | undefined;
  /** Not again before this time, performance.now(). */
  restsUntilMs: number;
}

export class LiveFeed {
  private readonly query: LiveFeedOptions["query"];
  private readonly everyMs: number;
  private readonly topicsMax: number;
  private readonly topics = new Map<string, Topic>();
  private looks: { readonly atMs: number; readonly received: number }[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(options: LiveFeedOptions) {
    this.query = options.query;
    this.everyMs = options.everyMs ?? defaultEveryMs;
    this.topicsMax = options.topicsMax ?? defaultTopicsMax;
  }

  /**
   * The first event, and from then on all others until the signal. Rejects with what is wrong with the request, and
   * with CodedError `overloaded` where too many different ones are answered already.
   */
  async listen(request: LiveRequest, listener: LiveListener, signal: AbortSignal): Promise<string> {
    const { topN, window = defaultWindow, filter } = request;
    const key = JSON.stringify([topN, window, filter]);
    if (!this.topics.has(key) && this.topics.size >= this.topicsMax)
      throw new CodedError("overloaded", `${this.topicsMax} live questions are open already`);
    const topic = this.topics.get(key) ?? {
      request: { ...request, window },
      listeners: new Set(),
      top: undefined,
      minute: 0,
      asking: undefined,
      restsUntilMs: 0,
    };
    // Before the first answer: those who come meanwhile are counted against the bound.
    this.topics.set(key, topic);
    topic.listeners.add(listener);
    const leave = (): void => {
      topic.listeners.delete(listener);
      if (topic.listeners.size > 0) return;
      this.topics.delete(key);
      if (this.topics.size === 0) this.rest();
    };
    try {
      const status = await this.look();
      if (!isAnswer(topic.top)) await this.refresh(topic);
      if (!isAnswer(topic.top)) throw topic.top;
      const first = this.event(topic.top, status);
      signal.throwIfAborted();
      signal.addEventListener("abort", leave, { once: true });
      this.timer ??= setTimeout(() => void this.tell(), this.everyMs);
      return first;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** For as long as there are listeners. */
  private async tell(): Promise<void> {
    try {
      const status = await this.look();
      await this.refreshAll(status);
      for (const topic of this.topics.values()) this.tellTopic(topic, status);
    } catch (error) {
      for (const { listeners } of this.topics.values()) tellAll(listeners, problemEvent(error));
    }
    this.timer =
      this.topics.size === 0 ? undefined : setTimeout(() => void this.tell(), this.everyMs);
  }

  /** Those that are quick are there in time; nobody waits for the others, of which the one before is told meanwhile. */
  private async refreshAll(status: StatusAnswer): Promise<void> {
    const refreshed = [...this.topics.values()]
      .filter((topic) => this.isDue(topic, status))
      .map((topic) => this.refresh(topic));
    if (refreshed.length === 0) return;
    const enough = Promise.withResolvers<void>();
    const timer = setTimeout(enough.resolve, this.everyMs / 2);
    await Promise.race([Promise.all(refreshed), enough.promise]);
    clearTimeout(timer);
  }

  private isDue(topic: Topic, status: StatusAnswer): boolean {
    if (topic.asking || performance.now() < topic.restsUntilMs) return false;
    const isOld = !isAnswer(topic.top) || topic.top.as_of !== status.as_of;
    return isOld || topic.minute !== currentMinute();
  }

  private refresh(topic: Topic): Promise<void> {
    topic.asking ??= this.ask(topic).finally(() => (topic.asking = undefined));
    return topic.asking;
  }

  private async ask(topic: Topic): Promise<void> {
    const startMs = performance.now();
    topic.minute = currentMinute();
    topic.top = await this.query.top(topic.request).catch(codedError);
    const tookMs = performance.now() - startMs;
    topic.restsUntilMs = performance.now() + tookMs * (1 / busyShareMax - 1);
  }

  private tellTopic(topic: Topic, status: StatusAnswer): void {
    tellAll(
      topic.listeners,
      isAnswer(topic.top) ? this.event(topic.top, status) : problemEvent(topic.top),
    );
  }

  private rest(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.looks = [];
  }

  private async look(): Promise<StatusAnswer> {
    const status = await this.query.status();
    const atMs = performance.now();
    const { received } = status.totals;
    const recent = this.looks.filter((look) => look.atMs >= atMs - rateOverMs);
    // Where the looks are far apart the rate is over the time between the last two.
    this.looks = [...(recent.length > 0 ? recent : this.looks.slice(-1)), { atMs, received }];
    return status;
  }

  private event(top: TopAnswer, status: StatusAnswer): string {
    const answer: LiveAnswer = {
      at: new Date().toISOString(),
      clicks_a_second: this.rate(),
      status,
      top,
    };
    return `event: live\ndata: ${JSON.stringify(answer)}\n\n`;
  }

  private rate(): number | null {
    const [first, last] = [this.looks[0], this.looks.at(-1)];
    if (!first || !last || last.atMs - first.atMs < this.everyMs / 2) return null;
    return (last.received - first.received) / ((last.atMs - first.atMs) / 1000);
  }
}

function isAnswer(top: Topic["top"]): top is TopAnswer {
  return top !== undefined && !(top instanceof CodedError);
}

function currentMinute(): number {
  return Math.floor(Date.now() / 60_000);
}

function tellAll(listeners: ReadonlySet<LiveListener>, event: string): void {
  for (const listener of listeners) listener(event);
}

/** What went wrong, told to who listens on: it may be over the next time. */
function problemEvent(error: unknown): string {
  return `event: problem\ndata: ${JSON.stringify(problemOf(codedError(error)))}\n\n`;
}

function codedError(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  return new CodedError("internal_error", "the service could not tell", { cause: error });
}
