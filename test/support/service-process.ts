import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { eventually } from "./eventually.ts";

const root = resolve(import.meta.dirname, "../..");

export interface ServiceProcessOptions {
  readonly dataDir: string;
  /** Settings by variable, `CLICKTALLY_…`. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program and its arguments to run the service under. */
  readonly under?: readonly string[];
}

/** The real service in a process of its own, started by the command line. */
export class ServiceProcess implements AsyncDisposable {
  readonly url: string;
  readonly child: ChildProcess;
  private readonly log: string[] = [];

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.child = child;
    child.stderr!.setEncoding("utf8").on("data", (text: string) => this.log.push(text));
    child.stdout!.resume();
  }

  /** Resolves when the service is ready. */
  static async start(options: ServiceProcessOptions): Promise<ServiceProcess> {
    const port = await freePort();
    const [program, ...args] = [
      ...(options.under ?? []),
      process.execPath,
      join(root, "src/cli.ts"),
      "serve",
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
    const service = new ServiceProcess(`http://127.0.0.1:${port}`, child);
    await eventually("the service is ready", async () => {
      if (child.exitCode !== null)
        throw new Error(`it exited with ${child.exitCode}: ${service.stderr}`);
      const answer = await fetch(`${service.url}/readyz`);
      return answer.ok ? true : undefined;
    });
    return service;
  }

  get stderr(): string {
    return this.log.join("");
  }

  /** No chance to finish anything. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
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
  ): Promise<{ status: number; body: T }> {
    const answer = await fetch(this.url + path, {
      method: "POST",
      body,
      headers: { "content-type": contentType },
    });
    return { status: answer.status, body: (await answer.json()) as T };
  }

  /** Resolves when all that was acked is committed. */
  async caughtUp(): Promise<void> {
    await eventually("the aggregator has caught up", async () => {
      const status = await this.get<{ partitions: { lag_records: number }[] }>("/v1/status");
      return status.partitions.every((partition) => partition.lag_records === 0) ? true : undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGTERM");
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, "exit");
    process.kill(-this.child.pid!, signal);
    await exited;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
