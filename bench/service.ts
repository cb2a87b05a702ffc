import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { StatusAnswer } from "../src/query/query-service.ts";
import { directoryBytes, freePort, stopChild, waitUntilUp } from "./processes.ts";

/** A hundred million ids take some minutes. */
const restartMsMax = 1_800_000;

/** `clicktally serve` on a new data directory in a process of its own, with its defaults where nothing else is asked. */
export class Clicktally implements AsyncDisposable {
  readonly url: string;
  readonly dataDir: string;
  private readonly port: number;
  private readonly settings: Readonly<Record<string, string>>;
  private child: ChildProcess;

  private constructor(port: number, dataDir: string, settings: Readonly<Record<string, string>>) {
    this.port = port;
    this.settings = settings;
    this.url = `http://127.0.0.1:${port}`;
    this.dataDir = dataDir;
    this.child = this.spawn();
  }

  /** `settings`: by variable, `CLICKTALLY_…`. */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<Clicktally> {
    const service = new Clicktally(
      await freePort(),
      mkdtempSync(join(tmpdir(), "clicktally-bench-")),
      settings,
    );
    try {
      await waitUntilUp(`${service.url}/readyz`, service.child);
      return service;
    } catch (error) {
      await service[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** True while the process runs. */
  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  get pid(): number {
    return this.child.pid!;
  }

  get insertUrl(): string {
    return `${this.url}/v1/clicks`;
  }

  async get<Answer>(path: string): Promise<Answer> {
    const answer = await this.ask<Answer>(path);
    if ("problem" in answer) throw new Error(`${path}: ${answer.problem}`);
    return answer.content;
  }

  /** Undefined where it says that it can't tell for now. */
  async getIfKnown<Answer>(path: string): Promise<Answer | undefined> {
    const answer = await this.ask<Answer>(path);
    if (!("problem" in answer)) return answer.content;
    if (answer.isPassing) return undefined;
    throw new Error(`${path}: ${answer.problem}`);
  }

  /** Resolves once everything that was acknowledged is queryable. */
  async caughtUp(): Promise<void> {
    for (;;) {
      const status = await this.getIfKnown<StatusAnswer>("/v1/status");
      if (status?.partitions.every((partition) => partition.lag_records === 0)) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Resolves once a click of its own is counted. */
  async countOne(eventId: string): Promise<void> {
    const before = await this.received();
    const click = { event_id: eventId, ad_id: "bench", click_timestamp: Date.now() };
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(click);
    const response = await fetch(this.insertUrl, { method: "POST", headers, body });
    if (!response.ok) throw new Error(`a click was refused: ${await response.text()}`);
    while ((await this.received()) <= before)
      await new Promise((resolve) => setTimeout(resolve, 10));
  }

  private async received(): Promise<number> {
    return (await this.get<StatusAnswer>("/v1/status")).totals.received;
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    await stopChild(this.child, signal);
  }

  /** Seconds from starting the process to the first ready answer. */
  async restart(): Promise<number> {
    const start = performance.now();
    this.child = this.spawn();
    await waitUntilUp(`${this.url}/readyz`, this.child, undefined, restartMsMax);
    return (performance.now() - start) / 1000;
  }

  /** `store`: raw clicks and minutes alone; `all`: with the queue, whose records go once a checkpoint covers them. */
  bytesOnDisk(): { readonly store: number; readonly all: number } {
    return {
      store: statSync(join(this.dataDir, "store.duckdb"), { throwIfNoEntry: false })?.size ?? 0,
      all: directoryBytes(this.dataDir),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  private async ask<Answer>(
    path: string,
  ): Promise<
    { readonly content: Answer } | { readonly problem: string; readonly isPassing: boolean }
  > {
    const response = await fetch(this.url + path);
    const text = await response.text();
    if (response.ok) return { content: JSON.parse(text) as Answer };
    return { problem: `${response.status} ${text}`, isPassing: response.status === 503 };
  }

  private spawn(): ChildProcess {
    const cli = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
    const env = {
      CLICKTALLY_LOG_LEVEL: "warn",
      ...process.env,
      ...this.settings,
      CLICKTALLY_PORT: String(this.port),
      CLICKTALLY_DATA_DIR: this.dataDir,
    };
    return spawn(process.execPath, [cli, "serve"], { stdio: ["ignore", "ignore", "inherit"], env });
  }
}
