/**
 * Debian's PostgreSQL on a data directory of its own: fsync and synchronous_commit on, as they are by default; more shared memory and
 * rarer checkpoints than by default, as everybody sets them. It refuses to run as root, so that root starts it as another user.
 */
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { eventually } from "../../test/support/eventually.ts";
import { directoryBytes, freePort, stopChild } from "../processes.ts";
import { connectionOptions } from "../senders/postgresql.ts";

const schema = [
  `CREATE TABLE clicks (event_id uuid, ad_id text, click_timestamp timestamptz, country text, device text,
     user_id text, ip inet, PRIMARY KEY (ad_id, event_id))`,
  `CREATE TABLE minutes (minute timestamptz, ad_id text, country text, device text, clicks bigint,
     PRIMARY KEY (minute, ad_id, country, device))`,
];
const settings = {
  shared_buffers: "512MB",
  max_wal_size: "4GB",
  max_connections: "100",
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
};
/** Where Debian keeps its versions. */
const versions = "/usr/lib/postgresql";

interface Account {
  readonly uid: number;
  readonly gid: number;
}

export class Postgresql implements AsyncDisposable {
  readonly port: number;
  private readonly directory: string;
  private readonly child: ChildProcess;
  private readonly sql: postgres.Sql;

  private constructor(directory: string, port: number, account: Account | undefined) {
    this.directory = directory;
    this.port = port;
    const data = join(directory, "data");
    execFileSync(
      join(binaries()!, "initdb"),
      [
        "-D",
        data,
        "-U",
        connectionOptions.user,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
      ],
      { stdio: ["ignore", "ignore", "inherit"], cwd: directory, ...account },
    );
    const parameters = Object.entries(settings).flatMap(([name, value]) => [
      "-c",
      `${name}=${value}`,
    ]);
    this.child = spawn(
      join(binaries()!, "postgres"),
      ["-D", data, "-p", String(port), ...parameters],
      { stdio: "ignore", cwd: directory, ...account },
    );
    this.sql = postgres({ ...connectionOptions, port, onnotice: () => {} });
  }

  static isInstalled(): boolean {
    return binaries() !== undefined;
  }

  static async start(): Promise<Postgresql> {
    const directory = mkdtempSync(join(tmpdir(), "clicktally-bench-postgresql-"));
    const account = accountFor(directory);
    const server = new Postgresql(directory, await freePort(), account);
    try {
      await eventually("PostgreSQL answers", () => server.query("SELECT 1"));
      for (const statement of schema) await server.query(statement);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** The answer as tab-separated text. */
  async query(statement: string): Promise<string> {
    const rows = await this.sql.unsafe(statement).values();
    return rows.map((row) => row.map(String).join("\t")).join("\n");
  }

  /** Rows of `minutes` as COPY takes them, for who wants the counts alone. */
  async copyMinutes(rows: string): Promise<void> {
    const writable = await this.sql`COPY minutes FROM STDIN`.writable();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    writable.once("finish", resolve).once("error", reject);
    writable.end(rows);
    await promise;
  }

  /** What autovacuum would have done by and by. */
  async vacuum(): Promise<void> {
    for (const table of ["clicks", "minutes"]) await this.query(`VACUUM (ANALYZE) ${table}`);
  }

  /** Bytes on disk of both tables with their indexes, without and with the log. */
  async bytes(): Promise<{ readonly store: number; readonly all: number }> {
    await this.query("CHECKPOINT");
    const store = Number(
      await this.query(
        "SELECT pg_total_relation_size('clicks') + pg_total_relation_size('minutes')",
      ),
    );
    return { store, all: store + directoryBytes(join(this.directory, "data", "pg_wal")) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sql.end({ timeout: 1 });
    // Its "immediate" shutdown: nothing is kept, but none of its processes is left.
    await stopChild(this.child, "SIGQUIT");
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Of the newest version; undefined where none is installed. */
function binaries(): string | undefined {
  if (!existsSync(versions)) return undefined;
  return readdirSync(versions)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(versions, version, "bin"))
    .find((path) => existsSync(join(path, "postgres")));
}

/** Root gives the directory to PostgreSQL's own user, or to nobody; others run it themselves. */
function accountFor(directory: string): Account | undefined {
  if (process.getuid!() !== 0) return undefined;
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const user =
    users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody");
  const account = { uid: Number(user![2]), gid: Number(user![3]) };
  mkdirSync(directory, { recursive: true });
  chownSync(directory, account.uid, account.gid);
  return account;
}
