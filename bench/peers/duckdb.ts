/** DuckDB by its Node API, see duckdb-process.ts. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, stopChild, waitUntilUp } from "../processes.ts";

export class DuckDb implements AsyncDisposable {
  private readonly directory: string;
  readonly url: string;
  private readonly child: ChildProcess;

  private constructor(directory: string, port: number) {
    this.directory = directory;
    this.url = `http://127.0.0.1:${port}`;
    const path = fileURLToPath(new URL("./duckdb-process.ts", import.meta.url));
    this.child = spawn(process.execPath, [path, directory, String(port)], {
      stdio: ["ignore", "ignore", "inherit"],
    });
  }

  static async start(): Promise<DuckDb> {
    const server = new DuckDb(
      mkdtempSync(join(tmpdir(), "clicktally-bench-duckdb-")),
      await freePort(),
    );
    try {
      await waitUntilUp(`${server.url}/query`, server.child, { method: "POST", body: "SELECT 1" });
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Where NDJSON bodies are posted to. */
  get insertUrl(): string {
    return `${this.url}/clicks`;
  }

  /** The answer as tab-separated text. */
  async query(sql: string): Promise<string> {
    const response = await fetch(`${this.url}/query`, { method: "POST", body: sql });
    const text = await response.text();
    if (!response.ok) throw new Error(`DuckDB: ${text}`);
    return text;
  }

  /** Bytes on disk of both tables, after a checkpoint. */
  async checkpointedBytes(): Promise<number> {
    await this.query("CHECKPOINT");
    return statSync(join(this.directory, "clicks.duckdb")).size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stopChild(this.child, "SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }
}
