/**
 * Debian's Redis with its append-only file, synced once a second or before every answer. An identity is a key for a day, a minute
 * a hash of ad and dimensions. It keeps no clicks, and asks nothing of them.
 */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../test/support/eventually.ts";
import { directoryBytes, freePort, stopChild } from "../processes.ts";
import { RedisConnection, command } from "../senders/redis-connection.ts";
import type { Reply } from "../senders/redis-connection.ts";

export class Redis implements AsyncDisposable {
  readonly port: number;
  private readonly directory: string;
  private readonly child: ChildProcess;
  private connection: RedisConnection | undefined;

  private constructor(directory: string, port: number, fsync: "everysec" | "always") {
    this.directory = directory;
    this.port = port;
    const settings = {
      port: String(port),
      dir: directory,
      bind: "127.0.0.1",
      save: "",
      appendonly: "yes",
      appendfsync: fsync,
    };
    this.child = spawn(
      "redis-server",
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
      { stdio: "ignore" },
    );
  }

  static isInstalled(): boolean {
    return spawnSync("redis-server", ["--version"]).status === 0;
  }

  static async start(fsync: "everysec" | "always"): Promise<Redis> {
    const directory = mkdtempSync(join(tmpdir(), "clicktally-bench-redis-"));
    const server = new Redis(directory, await freePort(), fsync);
    try {
      server.connection = await eventually("Redis answers", () =>
        RedisConnection.open(server.port),
      );
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.child.pid!;
  }

  async call(...words: readonly string[]): Promise<Reply> {
    const [reply] = await this.connection!.call(Buffer.from(command(...words), "latin1"), 1);
    return reply!;
  }

  bytesOnDisk(): number {
    return directoryBytes(this.directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection?.close();
    await stopChild(this.child, "SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }
}
