/** An open database with its connections, each for one kind of work, so that none waits for another. */

import duckdb from "@duckdb/node-bindings";
import { CodedError } from "../../model/errors.ts";
import { TableAppenders } from "./append-columns.ts";
import { Catalog } from "./catalog.ts";
import { CheckpointUndo } from "./checkpoint-undo.ts";
import { Connection, ConnectionPool } from "./connection.ts";
import type { OpenOptions } from "./open.ts";
import { openDatabase } from "./open.ts";
import {
  createTable,
  deltaTable,
  expiredTable,
  fixedTables,
  formatVersion,
  minuteColumns,
  parts,
  rawColumns,
  scatteredTable,
} from "./schema.ts";
import { upgradeFrom } from "./upgrade.ts";

export class Engine {
  readonly catalog: Catalog;
  /** Commits. */
  readonly writer: Connection;
  readonly appenders: TableAppenders;
  /** Schema changes, compaction, checkpoints. */
  readonly maintenance: Connection;
  /** Holds an insert open while a checkpoint runs. */
  readonly pin: Connection;
  /** Has temporary tables of its own. */
  readonly probes: Connection;
  readonly readers: ConnectionPool;
  readonly undo: CheckpointUndo;
  private readonly database: duckdb.Database;
  private readonly threads: number;
  private readonly connections: readonly Connection[];
  private closing: Promise<void> | undefined;

  private constructor(
    database: duckdb.Database,
    threads: number,
    undo: CheckpointUndo,
    connections: readonly Connection[],
    catalog: Catalog,
  ) {
    this.database = database;
    this.threads = threads;
    this.undo = undo;
    this.connections = connections;
    this.catalog = catalog;
    const [writer, maintenance, pin, probes, ...readers] = connections;
    this.writer = writer!;
    this.maintenance = maintenance!;
    this.pin = pin!;
    this.probes = probes!;
    this.readers = new ConnectionPool(readers);
    this.appenders = new TableAppenders(this.writer.handle);
  }

  static async open(options: OpenOptions): Promise<Engine> {
    const database = await openDatabase(options);
    const connections: Connection[] = [];
    let undo: CheckpointUndo | undefined;
    try {
      const first = new Connection(await duckdb.connect(database));
      connections.push(first);
      // Before anything can fail: DuckDB's own would not keep what it overwrites.
      await first.run("PRAGMA disable_checkpoint_on_shutdown");
      undo = await CheckpointUndo.open(options.path);
      while (connections.length < 4 + options.readersMax) {
        connections.push(new Connection(await duckdb.connect(database)));
      }
      await prepareSchema(first, options.path);
      return new Engine(database, options.threads, undo, connections, await Catalog.load(first));
    } catch (error) {
      await closeAll(database, connections, undo);
      throw error;
    }
  }

  /**
   * For what DuckDB does in one piece and may take seconds. With threads of its own the piece goes to one of them, and the
   * caller's turns in a loop until it is done: a core for nothing. Queries have the one thread meanwhile. Where one is under way
   * all is left as it is: to take away a thread DuckDB waits for it to finish its share of the query, and commits wait too.
   */
  async withOneThread<T>(work: () => Promise<T>): Promise<T> {
    if (!this.readers.isIdle) return await work();
    await this.maintenance.run("SET threads = 1");
    try {
      return await work();
    } finally {
      await this.maintenance.run(`SET threads = ${this.threads}`);
    }
  }

  /** Writes no checkpoint. Safe to repeat. */
  close(): Promise<void> {
    this.closing ??= closeAll(this.database, this.connections, this.undo);
    return this.closing;
  }
}

async function closeAll(
  database: duckdb.Database,
  connections: readonly Connection[],
  undo: CheckpointUndo | undefined,
): Promise<void> {
  for (const connection of connections) connection.closeSync();
  duckdb.close_sync(database);
  await undo?.[Symbol.asyncDispose]();
}

/** Makes the tables of a new store; refuses those of a newer release without having written anything. */
async function prepareSchema(connection: Connection, path: string): Promise<void> {
  const known = await connection.rows(
    "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()",
  );
  if (known.some((row) => row[0] === "meta")) {
    const [version] = await connection.rows(
      `SELECT "value" FROM meta WHERE "name" = 'format_version'`,
    );
    const found = Number(version?.[0]);
    if (found === formatVersion) return;
    if (found >= 1 && found < formatVersion) return await upgradeFrom(found, connection);
    if (found > formatVersion) {
      throw new CodedError(
        "data_format_newer",
        `${path} has format ${found}; this release knows ${formatVersion}. Use a newer release.`,
      );
    }
    throw new CodedError("data_corrupt", `${path} has no valid format version`);
  }
  if (known.length > 0) {
    throw new CodedError("data_corrupt", `${path} is no store of clicks: it has other tables`);
  }
  const statements = [
    "BEGIN",
    ...Object.entries(fixedTables).map(([name, columns]) => createTable(name, columns)),
    createTable(expiredTable, rawColumns),
    ...parts.map((part) => createTable(scatteredTable(part), rawColumns)),
    ...parts.map((part) => createTable(deltaTable(part), minuteColumns)),
    `INSERT INTO meta VALUES ('format_version', '${formatVersion}')`,
    "COMMIT",
    "CHECKPOINT",
  ];
  await connection.run(statements.join(";"));
}
