/**
 * A real ClickHouse 26: the `chdb` package carries the server's library, whose command line entry runs
 * clickhouse-local, which can be told to listen. It runs in a process of its own, started by a C program of a few
 * lines, since ClickHouse checks that it is called on a normal stack. It has no interserver port: no replication.
 */
import type { ChildProcess } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

const starterSource = `
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
  void *library = dlopen(argv[1], RTLD_NOW);
  if (!library) { fprintf(stderr, "%s\\n", dlerror()); return 1; }
  int (*run)(int, char **) = (int (*)(int, char **))dlsym(library, "chdb_query_cmdline");
  return run(argc - 1, argv + 1);
}
`;

const listenAndWait =
  "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT sleepEachRow(3) FROM numbers(1000000) " +
  "SETTINGS function_sleep_max_microseconds_per_block=100000000, max_block_size=1 FORMAT Null";

export type ServerPorts = readonly [http: number, tcp: number];

export class ClickHouseServer implements AsyncDisposable {
  readonly url: string;
  private readonly directory: string;
  private readonly ports: ServerPorts;
  private child: ChildProcess | undefined;

  private constructor(directory: string, ports: ServerPorts) {
    this.directory = directory;
    this.ports = ports;
    this.url = `http://127.0.0.1:${ports[0]}`;
  }

  /** `config`: of the server, as XML. */
  static async start(ports?: ServerPorts, config = "<clickhouse/>"): Promise<ClickHouseServer> {
    const directory = mkdtempSync(join(tmpdir(), "clicktally-clickhouse-"));
    const server = new ClickHouseServer(directory, ports ?? (await freePorts()));
    try {
      compileStarter(directory);
      writeFileSync(join(directory, "config.xml"), config);
      await server.restart();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get port(): number {
    return this.ports[0];
  }

  get pid(): number {
    return this.child!.pid!;
  }

  /** On the same ports, with what it had. */
  async restart(): Promise<void> {
    const [http, tcp] = this.ports;
    const child = spawn(
      join(this.directory, "start"),
      [
        libraryPath(),
        `--path=${join(this.directory, "data")}`,
        `--config-file=${join(this.directory, "config.xml")}`,
        "--listen_host=127.0.0.1",
        `--http_port=${http}`,
        `--tcp_port=${tcp}`,
        `--query=${listenAndWait}`,
      ],
      { stdio: "ignore" },
    );
    this.child = child;
    await eventually(
      "ClickHouse answers",
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) return false;
        const response = await fetch(`${this.url}/ping`);
        return response.ok ? true : undefined;
      },
      60_000,
    );
    if (child.exitCode !== null) throw new Error(`ClickHouse stopped with ${child.exitCode}`);
  }

  /** Where it has died, or is about to. */
  async revive(): Promise<void> {
    const isUp = await this.query("SELECT 1").then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await this.kill();
    await this.restart();
  }

  /** kill -9 */
  async kill(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** The answer as tab-separated text. */
  async query(sql: string): Promise<string> {
    const response = await fetch(this.url, { method: "POST", body: sql });
    const text = await response.text();
    if (!response.ok) throw new Error(`ClickHouse: ${text}`);
    return text.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export async function freePorts(): Promise<ServerPorts> {
  return [await freePort(), await freePort()];
}

function compileStarter(directory: string): void {
  const program = join(directory, "start");
  writeFileSync(`${program}.c`, starterSource);
  execFileSync(process.env["CC"] ?? "cc", ["-O1", "-o", program, `${program}.c`, "-ldl"]);
}

function libraryPath(): string {
  const require = createRequire(import.meta.url);
  const fromChdb = createRequire(require.resolve("chdb/package.json"));
  const path = join(
    dirname(fromChdb.resolve("@chdb/lib-linux-x64-gnu/package.json")),
    "libchdb.so",
  );
  if (!existsSync(path)) throw new Error(`there is no ${path}`);
  return path;
}

/** The program that runs ClickHouse, for who wants something else of it. */
export const clickHouseStarter = { compile: compileStarter, libraryPath } as const;
