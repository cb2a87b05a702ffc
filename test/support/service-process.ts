import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

const root = resolve(import.meta.dirname, "../..");

export interface ServiceProcessOptions {
  readonly dataDir: string;
  /** Settings by variable, `CLICKTALLY_…`. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program and its arguments to run the service under. */
  readonly under?: readonly string[];
  /** The program and its arguments. Default: this checkout's `serve`. */
  readonly program?: readonly string[];
  /** Default: one that is free. */
  readonly port?: number;
}

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The real service in a process of its own, started by the command line. */
export class ServiceProcess implements AsyncDisposable {
  readonly url: string;
  readonly child: ChildProcess;
  /** Resolves when the process has ended and everything it wrote was read. */
  readonly ended: Promise<ProcessEnd>;
  private end: ProcessEnd | undefined;
  private readonly log: string[] = [];
  private readonly told: string[] = [];

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.child = child;
    child.stderr!.setEncoding("utf8").on("data", (text: string) => this.log.push(text));
    child.stdout!.setEncoding("utf8").on("data", (text: string) => this.told.push(text));
    const ended = Promise.withResolvers<ProcessEnd>();
    this.ended = ended.promise;
    child.on("close", (code, signal) => {
      this.end = { code, signal };
      ended.resolve(this.end);
    });
  }

  /** Resolves when the service is ready. */
  static async start(options: ServiceProcessOptions): Promise<ServiceProcess> {
    const service = await ServiceProcess.launch(options);
    try {
      await service.ready();
    } catch (error) {
      // Nobody else knows of it, and the test's process would wait for its end for ever.
      await service.kill();
      throw error;
    }
    return service;
  }

  /** Waits for nothing: the service may refuse to start, or die on the way. */
  static async launch(options: ServiceProcessOptions): Promise<ServiceProcess> {
    const port = options.port ?? (await freePort());
    const [program, ...args] = [
      ...(options.under ?? []),
      ...(options.program ?? [process.execPath, join(root, "src/cli.ts"), "serve"]),
    ];
    const child = spawn(program!, args, {
      cwd: options.dataDir,
      stdio: ["ignore", "pipe", "pipe"],
      // A process group of its own: a kill must reach the service, not only what it runs under.
      detached: true,
      env: {
        PATH: process.env["PATH"],
        CLICKTALLY_DATA_DIR: options.dataDir,
        CLICKTALLY_PORT: String(port),
        ...options.env,
      },
    });
    return new ServiceProcess(`http://127.0.0.1:${port}`, child);
  }

  /** Rejects at once where the process ends instead. */
  async ready(): Promise<void> {
    await eventually("the service is ready", async () => {
      if (this.end) return true;
      const answer = await fetch(`${this.url}/readyz`);
      return answer.ok ? true : undefined;
    });
    if (!this.end) return;
    throw new Error(`it ended with ${this.end.code ?? this.end.signal}: ${this.stderr}`);
  }

  get stdout(): string {
    return this.told.join("");
  }

  get stderr(): string {
    return this.log.join("");
  }

  /** How it ended by itself; one that goes on instead is killed and fails. */
  async endedByItself(deadlineMs = 60_000): Promise<ProcessEnd> {
    let wasKilled = false;
    const late = setTimeout(() => {
      wasKilled = true;
      process.kill(-this.child.pid!, "SIGKILL");
    }, deadlineMs);
    const end = await this.ended;
    clearTimeout(late);
    if (wasKilled) throw new Error(`it had not ended after ${deadlineMs} ms: ${this.stderr}`);
    return end;
  }

  /** No chance to finish anything. */
  async kill(): Promise<void> {
    await this.endBy("SIGKILL");
  }

  /** Asks it to stop; does not wait. */
  terminate(): void {
    if (!this.end) process.kill(-this.child.pid!, "SIGTERM");
  }

  async get<T>(path: string): Promise<T> {
    const answer = await fetch(this.url + path);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  async post<T>(
    path: string,
    body: string,
    contentType = "application/x-ndjson",
  ): Promise<{ status: number; body: T; headers: Headers }> {
    const answer = await fetch(this.url + path, {
      method: "POST",
      body,
      headers: { "content-type": contentType },
    });
    return { status: answer.status, body: (await answer.json()) as T, headers: answer.headers };
  }

  /** Resolves when all that was acked is committed. */
  async caughtUp(): Promise<void> {
    await eventually("the aggregator has caught up", async () => {
      const status = await this.get<{ partitions: { lag_records: number }[] }>("/v1/status");
      return status.partitions.every((partition) => partition.lag_records === 0) ? true : undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endBy("SIGTERM");
  }

  private async endBy(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null)
      process.kill(-this.child.pid!, signal);
    await this.ended;
  }
}
