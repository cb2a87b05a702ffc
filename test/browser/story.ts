/** What the pages show in tests and pictures: hours of an ad platform, with all that may happen to a click. */

import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ClickStream } from "../../src/traffic/click-stream.ts";
import type { StreamClick } from "../../src/traffic/click-stream.ts";
import { Random } from "../../src/traffic/random.ts";
import { freePort } from "../support/free-port.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const minuteMs = 60_000;

export type Json = Readonly<Record<string, unknown>>;

/**
 * The real service in a process of its own, on a directory and a port that outlive it. Its clock is where the story is:
 * hours of clicks are received in seconds, each when it would have been.
 */
export class Story implements AsyncDisposable {
  readonly url: string;
  private readonly port: number;
  private readonly directory: { readonly path: string } & AsyncDisposable;
  private service: ServiceProcess | undefined;

  private constructor(port: number, directory: { readonly path: string } & AsyncDisposable) {
    this.port = port;
    this.directory = directory;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** It begins so many minutes ago. */
  static async begin(minutesAgo: number): Promise<Story> {
    const story = new Story(await freePort(), await temporaryDirectory());
    try {
      story.setClock(Date.now() - minutesAgo * minuteMs);
      await story.launch();
      return story;
    } catch (error) {
      await story[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** On the same port, with what it had. */
  async launch(): Promise<void> {
    const preload = resolve(import.meta.dirname, "../support/moved-clock.ts");
    this.service = await ServiceProcess.start({
      dataDir: this.directory.path,
      port: this.port,
      env: {
        CLICKTALLY_LOG_LEVEL: "silent",
        CLOCK_FILE: this.clockFile,
        NODE_OPTIONS: `--import=${preload}`,
      },
    });
  }

  /** kill -9 */
  async kill(): Promise<void> {
    await this.service?.kill();
    this.service = undefined;
  }

  /** Goes on from this time; at the present it is the clock on the wall. */
  setClock(timeMs: number): void {
    const shiftMs = Math.min(0, Math.round(timeMs - Date.now()));
    writeFileSync(this.clockFile, String(shiftMs));
  }

  async get<Answer = Json>(path: string): Promise<Answer> {
    const response = await fetch(this.url + path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  async send(method: "POST" | "PUT", path: string, body: unknown): Promise<Json> {
    const response = await fetch(this.url + path, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Json;
  }

  /** Resolves when they are counted, or only received. */
  async sendClicks(
    clicks: readonly Json[],
    until: "counted" | "received" = "counted",
  ): Promise<void> {
    const lines = clicks.map((click) => `${JSON.stringify(click)}\n`).join("");
    const response = await fetch(
      `${this.url}/v1/clicks${until === "counted" ? "?wait=counted" : ""}`,
      {
        method: "POST",
        headers: { "content-type": "application/x-ndjson" },
        body: lines,
      },
    );
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    await response.body?.cancel();
  }

  /** Resolves when all that was acknowledged is counted. */
  async caughtUp(): Promise<void> {
    await this.service?.caughtUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service?.[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }

  private get clockFile(): string {
    return join(this.directory.path, "clock");
  }
}

/** Ads wax and wane, each in a rhythm of its own, so that places change from hour to hour. */
export class Traffic {
  private readonly random = new Random(11);
  private readonly stream = new ClickStream(this.random);

  /** What arrives between two times, in the order of arrival, some of it twice. */
  between(fromMs: number, toMs: number, clickCount: number): Json[] {
    const { random } = this;
    const arrivals = Array.from(
      { length: clickCount },
      () => fromMs + random.unit() * (toMs - fromMs),
    );
    const clicks: Json[] = [];
    for (const arrivalMs of arrivals.toSorted((a, b) => a - b)) {
      const click = this.stream.next(arrivalMs);
      if (this.isAtEbb(click, arrivalMs / minuteMs)) continue;
      clicks.push({ ...click });
      if (random.chance(0.02)) clicks.push({ ...click });
    }
    return clicks;
  }

  private isAtEbb({ ad_id }: StreamClick, minute: number): boolean {
    const number = Number(ad_id.slice(3));
    const wave = 0.5 + 0.5 * Math.sin(minute / (9 + (number % 17)) + number);
    return this.random.chance(0.65 * wave);
  }
}

export interface Telling {
  readonly minutes: number;
  readonly clicksASecond: number;
  /** Clicks that are received at that time, as soon as they may be. */
  readonly at?: { readonly timeMs: number; readonly clicks: readonly Json[] };
}

/** From where the story began up to now, a batch every five seconds of it. */
export async function tellStory(story: Story, traffic: Traffic, telling: Telling): Promise<void> {
  const { minutes, clicksASecond, at } = telling;
  const stepMs = 5_000;
  // The present goes on while the story catches up with it.
  const isPast = (timeMs: number): boolean => timeMs < Date.now();
  for (let fromMs = Date.now() - minutes * minuteMs; isPast(fromMs); fromMs += stepMs) {
    const toMs = Math.min(Date.now(), fromMs + stepMs);
    story.setClock(toMs);
    const tide =
      1 + 0.3 * Math.sin(fromMs / (23 * minuteMs)) + 0.1 * Math.sin(fromMs / (3 * minuteMs));
    const clickCount = Math.round((clicksASecond * tide * (toMs - fromMs)) / 1000);
    const clicks = traffic.between(fromMs, toMs, clickCount);
    if (at && at.timeMs >= fromMs && at.timeMs < toMs) clicks.push(...at.clicks);
    if (clicks.length > 0) await story.sendClicks(clicks, isPast(toMs) ? "received" : "counted");
  }
  story.setClock(Infinity);
  await story.caughtUp();
}
