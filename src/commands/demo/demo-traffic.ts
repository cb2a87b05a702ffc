import { setTimeout as delay } from "node:timers/promises";
import { ClickStream } from "../../traffic/click-stream.ts";
import type { StreamClick } from "../../traffic/click-stream.ts";
import type { Random } from "../../traffic/random.ts";
import { ClickSender } from "../click-sender.ts";
import type { OwnRecord } from "./own-record.ts";

const clicksASecond = 2_000;
const batchEveryMs = 50;
const duplicateShare = 0.02;
/** Whole requests that are sent again although they were answered, as by a client whose timeout is too short. */
const resendShare = 0.03;
const resendDelayMsMax = 3_000;
/** Duplicates repeat one of the last so many clicks. */
const recentMax = 2_000;
/** Requests under way or waiting for the server; then the stream waits too. */
const requestsWaitingMax = 400;

/** Sends a click stream at an even pace; whatever gets no answer is sent again until it has one. */
export class DemoTraffic {
  /** Undefined: what is sent is no longer recorded. */
  record: OwnRecord | undefined;
  sentClicks = 0;
  private readonly random: Random;
  private readonly stream: ClickStream;
  private readonly sender: ClickSender;
  private readonly recent: StreamClick[] = [];
  private readonly waiting = new Set<Promise<void>>();
  private isStreaming = false;
  private onDispatch = (): void => {};
  private failure: { readonly error: unknown } | undefined;
  private readonly signal: AbortSignal;

  constructor(url: string, random: Random, record: OwnRecord, signal: AbortSignal) {
    this.random = random;
    this.stream = new ClickStream(random);
    this.sender = new ClickSender({ url, signal, giveUpMs: 30_000 });
    this.record = record;
    this.signal = signal;
  }

  /** Streams until the time (performance.now()) is reached, or the signal is given. */
  async streamUntil(endMs: number): Promise<void> {
    const startMs = performance.now();
    this.isStreaming = true;
    try {
      for (let batches = 1; performance.now() < endMs && !this.signal.aborted; batches++) {
        this.dispatch(this.nextBatch());
        if (this.waiting.size >= requestsWaitingMax) await Promise.race(this.waiting);
        if (this.failure) throw this.failure.error;
        const aheadMs = startMs + batches * batchEveryMs - performance.now();
        if (aheadMs > 0) await delay(aheadMs);
      }
    } finally {
      this.isStreaming = false;
      this.onDispatch();
    }
  }

  /** Resolves right after the next request was sent off; at once where the stream has ended, or when it does. */
  nextDispatch(): Promise<void> {
    if (!this.isStreaming) return Promise.resolve();
    return new Promise((resolve) => (this.onDispatch = resolve));
  }

  /** Resolves once every request has its answer. */
  async settled(): Promise<void> {
    while (this.waiting.size > 0) await Promise.all(this.waiting);
    if (this.failure) throw this.failure.error;
  }

  private nextBatch(): StreamClick[] {
    const { random, recent } = this;
    const nowMs = Date.now();
    return Array.from({ length: (clicksASecond * batchEveryMs) / 1000 }, () => {
      if (recent.length === recentMax && random.chance(duplicateShare)) return random.pick(recent);
      const click = this.stream.next(nowMs);
      if (recent.length < recentMax) recent.push(click);
      else recent[random.below(recentMax)] = click;
      return click;
    });
  }

  private dispatch(clicks: readonly StreamClick[]): void {
    const sending = this.send(clicks).catch((error: unknown) => {
      if (!this.signal.aborted) this.failure ??= { error };
    });
    this.waiting.add(sending);
    void sending.then(() => this.waiting.delete(sending));
    this.onDispatch();
  }

  private async send(clicks: readonly StreamClick[]): Promise<void> {
    const { record } = this;
    const lines = clicks.map((click) => `${JSON.stringify(click)}\n`).join("");
    const times = this.random.chance(resendShare) ? 2 : 1;
    for (let i = 0; i < times; i++) {
      if (i > 0)
        await delay(this.random.below(resendDelayMsMax), undefined, { signal: this.signal });
      const answer = await this.sender.send(lines, (reason) => {
        // Where nobody listens nothing arrives, and a 503 says that nothing was kept.
        const mayBeStored = !reason.includes("ECONNREFUSED") && !reason.startsWith("503");
        if (record && mayBeStored) record.unansweredClicks += clicks.length;
      });
      this.sentClicks += clicks.length;
      record?.addAnswered(clicks, answer.rejected);
    }
  }
}
