/**
 * A real ClickHouse 26: the `chdb` package carries the server's library, whose command line entry runs
 * clickhouse-local, which can be told to listen. It runs in a process of its own, started by a C program of a few
 * lines, since ClickHouse checks that it is called on a normal stack.
 *
 * Clicks go the way its users go: JSONEachRow over HTTP into a MergeTree, with a materialized view that keeps counts a
 * minute in a SummingMergeTree. It removes no duplicates and, by its defaults, does not sync what it acknowledges.
 */
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePort, stopChild, waitUntilUp } from "../processes.ts";

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

const schema = [
  `CREATE DATABASE bench ENGINE = Atomic`,
  `CREATE TABLE bench.clicks (event_id UUID, ad_id String, click_timestamp DateTime64(3, 'UTC'),
     country LowCardinality(String), device LowCardinality(String), user_id String, ip IPv4)
   ENGINE = MergeTree ORDER BY (ad_id, click_timestamp)`,
  `CREATE TABLE bench.minutes (minute DateTime('UTC'), ad_id String,
     country LowCardinality(String), device LowCardinality(String), clicks UInt64)
   ENGINE = SummingMergeTree ORDER BY (minute, ad_id, country, device)`,
  `CREATE MATERIALIZED VIEW bench.to_minutes TO bench.minutes AS
   SELECT toStartOfMinute(click_timestamp) AS minute, ad_id, country, device, count() AS clicks
   FROM bench.clicks GROUP BY minute, ad_id, country, device`,
];

export class ClickHouse implements AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  private readonly child: ChildProcess;
  private readonly directory: string;

  private constructor(url: string, child: ChildProcess, directory: string) {
    this.url = url;
    this.pid = child.pid!;
    this.child = child;
    this.directory = directory;
  }

  static async start(): Promise<ClickHouse> {
    const directory = mkdtempSync(join(tmpdir(), "clicktally-clickhouse-"));
    const port = await freePort();
    const query =
      "SYSTEM START LISTEN HTTP; SELECT sleepEachRow(3) FROM numbers(1000000) " +
      "SETTINGS function_sleep_max_microseconds_per_block=100000000, max_block_size=1 FORMAT Null";
    const child = spawn(
      starter(directory),
      [
        libraryPath(),
        `--path=${join(directory, "data")}`,
        "--listen_host=127.0.0.1",
        `--http_port=${port}`,
        `--tcp_port=${await freePort()}`,
        `--query=${query}`,
      ],
      { stdio: ["ignore", "ignore", "ignore"] },
    );
    const server = new ClickHouse(`http://127.0.0.1:${port}`, child, directory);
    try {
      await waitUntilUp(`${server.url}/ping`, child);
      for (const statement of schema) await server.query(statement);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where NDJSON bodies are posted to. */
  get insertUrl(): string {
    const query = encodeURIComponent("INSERT INTO bench.clicks FORMAT JSONEachRow");
    return `${this.url}/?date_time_input_format=best_effort&query=${query}`;
  }

  /** The answer as tab-separated text. */
  async query(sql: string): Promise<string> {
    const response = await fetch(this.url, { method: "POST", body: sql });
    const text = await response.text();
    if (!response.ok) throw new Error(`ClickHouse: ${text}`);
    return text.trim();
  }

  /** Bytes on disk of both tables, merged as far as they go. */
  async mergedBytes(): Promise<number> {
    for (const table of ["clicks", "minutes"])
      await this.query(`OPTIMIZE TABLE bench.${table} FINAL`);
    return Number(
      await this.query(
        "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'bench'",
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stopChild(this.child, "SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function starter(directory: string): string {
  const program = join(directory, "start");
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${program}.c`, starterSource);
  execFileSync(process.env["CC"] ?? "cc", ["-O1", "-o", program, `${program}.c`, "-ldl"]);
  return program;
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
