import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const readyMsMax = 30_000;
const stopMsMax = 15_000;
const pollMs = 25;
/** Characters of the server's last words that a failure shows. */
const shownErrorMax = 2_000;

/** `serve` in a process of its own, on a free port and a data directory that is thrown away. */
export class DemoServer implements AsyncDisposable {
  readonly url: string;
  readonly directory: string;
  private readonly port: number;
  private child: ChildProcess | undefined;
  private lastWords = "";

  private constructor(directory: string, port: number) {
    this.directory = directory;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Starts it; resolves once it answers. */
  static async start(signal: AbortSignal): Promise<DemoServer> {
    const server = new DemoServer(
      await mkdtemp(join(tmpdir(), "clicktally-demo-")),
      await freePort(),
    );
    try {
      await server.launch(signal);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Starts the process; resolves with the ms until it answered. */
  async launch(signal: AbortSignal): Promise<number> {
    const startMs = performance.now();
    const child = this.spawn();
    for (;;) {
      signal.throwIfAborted();
      if (hasEnded(child))
        throw new Error(`the server stopped by itself: ${this.lastWords.trim()}`);
      if (performance.now() - startMs > readyMsMax)
        throw new Error(`the server is not ready after ${readyMsMax} ms`);
      if (await answers(`${this.url}/readyz`)) return performance.now() - startMs;
      await delay(pollMs);
    }
  }

  /** kill -9: nothing is flushed, nobody is told. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  async get<Answer>(path: string): Promise<Answer> {
    const response = await fetch(this.url + path);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 500)}`);
    return JSON.parse(text) as Answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGTERM");
    await rm(this.directory, { recursive: true, force: true });
  }

  private spawn(): ChildProcess {
    const cli = fileURLToPath(new URL(`../../cli${extname(import.meta.url)}`, import.meta.url));
    // The demo shows the defaults: no settings of the caller's, no file in the working directory.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith("CLICKTALLY_")),
    );
    const child = spawn(process.execPath, [cli, "serve"], {
      cwd: this.directory,
      env: {
        ...env,
        CLICKTALLY_PORT: String(this.port),
        CLICKTALLY_DATA_DIR: join(this.directory, "data"),
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.lastWords = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.lastWords = (this.lastWords + text).slice(-shownErrorMax);
    });
    this.child = child;
    return child;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === undefined || hasEnded(child)) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    const impatience = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
    await ended;
    clearTimeout(impatience);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.text();
    return response.ok;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("there is no free port");
  return address.port;
}
