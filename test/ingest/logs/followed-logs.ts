/** Log files in a directory of their own, and a watcher of them whose clicks are counted by their identities alone. */

import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../../src/clock/system-clock.ts";
import { LogWatcher } from "../../../src/ingest/logs/log-watcher.ts";
import type { TakeClicks } from "../../../src/ingest/logs/send-lines.ts";
import type { LogSource } from "../../../src/model/log-source.ts";
import { eventually } from "../../support/eventually.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

export class FollowedLogs implements AsyncDisposable {
  readonly directory: string;
  readonly source: LogSource;
  /** By identity, how often it was taken. */
  readonly taken = new Map<string, number>();
  /** Bodies that were taken. */
  takes = 0;
  readonly problems: string[] = [];
  watcher: LogWatcher | undefined;
  /** Clicks count, and whoever sent them never hears of it: as where it dies then. */
  losesAnswers = false;
  private readonly resources: AsyncDisposable;

  private constructor(directory: string, source: LogSource, resources: AsyncDisposable) {
    this.directory = directory;
    this.source = source;
    this.resources = resources;
  }

  /** `files`: within its directory. */
  static async make(
    files: readonly string[] = ["clicks.ndjson"],
    source: Partial<LogSource> = {},
  ): Promise<FollowedLogs> {
    await using resources = new AsyncDisposableStack();
    const { path } = resources.use(await temporaryDirectory());
    await mkdir(join(path, "logs"));
    const whole: LogSource = {
      name: "logs",
      format: "ndjson",
      request: "",
      map: {},
      ...source,
      files: files.map((file) => join(path, "logs", file)),
    };
    return new FollowedLogs(path, whole, resources.move());
  }

  path(file: string): string {
    return join(this.directory, "logs", file);
  }

  get stateDirectory(): string {
    return join(this.directory, "state");
  }

  async write(file: string, ...lines: readonly string[]): Promise<void> {
    await appendFile(this.path(file), lines.map((line) => `${line}\n`).join(""));
  }

  /** `take`: what is done with a body before it counts. */
  start(take: TakeClicks = async () => ({ accepted: 0, errors: [] })): void {
    this.watcher = new LogWatcher({
      source: this.source,
      clock: systemClock,
      directory: this.stateDirectory,
      take: async (body) => {
        const { errors } = await take(body);
        const answer = this.count(body, new Set(errors.map(({ index }) => index)), errors);
        if (this.losesAnswers) throw new Error("the answer is lost");
        return answer;
      },
      onProblem: (what) => this.problems.push(what),
    });
  }

  async stop(): Promise<void> {
    await this.watcher?.[Symbol.asyncDispose]();
    this.watcher = undefined;
  }

  /** Resolves once so many different clicks were taken and nothing is left to read. */
  async until(clicks: number): Promise<void> {
    await eventually(`${clicks} clicks`, () => {
      const { lag_bytes: lag } = this.watcher!.status;
      return this.taken.size >= clicks && lag === 0 ? true : undefined;
    }).catch((error: Error) => {
      const status = JSON.stringify(this.watcher!.status);
      throw new Error(`${this.taken.size} clicks; ${status}; ${this.problems.join("; ")}`, {
        cause: error,
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.resources[Symbol.asyncDispose]();
  }

  private count(
    body: Buffer,
    refused: ReadonlySet<number>,
    given: Awaited<ReturnType<TakeClicks>>["errors"],
  ): Awaited<ReturnType<TakeClicks>> {
    this.takes++;
    const errors = [...given];
    let accepted = 0;
    for (const [index, line] of body.toString().trimEnd().split("\n").entries()) {
      if (refused.has(index)) continue;
      if (!line.startsWith("{")) {
        errors.push({ index, code: "malformed_json", message: "no object" });
        continue;
      }
      const { ad_id, event_id } = JSON.parse(line) as Record<string, unknown>;
      const identity = JSON.stringify([ad_id, event_id]);
      this.taken.set(identity, (this.taken.get(identity) ?? 0) + 1);
      accepted++;
    }
    return { accepted, errors };
  }
}

let clicks = 0;
/** A line of its own. */
export function clickLine(ad = "a"): string {
  return JSON.stringify({ ad_id: ad, click_timestamp: 1_795_000_000_000 + ++clicks });
}

export function clickLines(count: number): string[] {
  return Array.from({ length: count }, () => clickLine());
}
