/**
 * One DuckDB connection. Statements run in the process's thread pool, one at a time a connection; what is given
 * meanwhile waits its turn.
 */

import duckdb from "@duckdb/node-bindings";
import type { SqlRow } from "./read-chunk.ts";
import { readRows } from "./read-chunk.ts";
import { storeError } from "./store-error.ts";

/** A bound value: text, whole number (64 bits), unsigned 128-bit number, list of 32-bit numbers. */
export type SqlValue = string | number | bigint | readonly number[];

export interface Statement {
  readonly sql: string;
  /** Bound to $1, $2, … */
  readonly values: readonly SqlValue[];
}

export class Connection {
  readonly handle: duckdb.Connection;
  private tail: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(handle: duckdb.Connection) {
    this.handle = handle;
  }

  /** Runs statements that have no values, or one that has. */
  run(sql: string, values: readonly SqlValue[] = []): Promise<duckdb.Result> {
    const result = this.tail.then(() => this.execute(sql, values));
    this.tail = result.catch(() => undefined);
    return result;
  }

  async rows(sql: string, values: readonly SqlValue[] = []): Promise<SqlRow[]> {
    return await readRows(await this.run(sql, values));
  }

  /**
   * What `read` makes of the chunks of a result, one after the other. The next chunk is computed while one is in use, and a
   * chunk's memory is gone by then: `read` copies what it wants. Nothing else may run on this connection until the iteration
   * has ended.
   */
  async *stream<T>(
    { sql, values }: Statement,
    read: (chunk: duckdb.DataChunk) => T,
  ): AsyncGenerator<T> {
    const prepared = await this.prepare(sql, values);
    let ended = false;
    let next: Promise<duckdb.DataChunk | null> | undefined;
    try {
      const result = await attempt(sql, () => duckdb.execute_prepared_streaming(prepared));
      const fetchNext = (): Promise<duckdb.DataChunk | null> => {
        const chunk = attempt(sql, () => duckdb.fetch_chunk(result));
        // Whoever asks for it is told.
        chunk.catch(() => undefined);
        return chunk;
      };
      next = fetchNext();
      for (;;) {
        const chunk = await next;
        if (chunk === null || duckdb.data_chunk_get_size(chunk) === 0) break;
        const made = read(chunk);
        next = fetchNext();
        yield made;
      }
      ended = true;
    } finally {
      await next?.catch(() => undefined);
      duckdb.destroy_prepare_sync(prepared);
      // Any statement ends what is left of a result that nobody wants any more.
      if (!ended) await this.run("SELECT 1").catch(() => undefined);
    }
  }

  /** All that `work` reads is of one snapshot. */
  async snapshot<T>(work: () => Promise<T>): Promise<T> {
    await this.run("BEGIN TRANSACTION READ ONLY");
    try {
      return await work();
    } finally {
      await this.run("ROLLBACK").catch(() => undefined);
    }
  }

  closeSync(): void {
    if (this.closed) return;
    this.closed = true;
    duckdb.disconnect_sync(this.handle);
  }

  private async execute(sql: string, values: readonly SqlValue[]): Promise<duckdb.Result> {
    if (values.length === 0) return await attempt(sql, () => duckdb.query(this.handle, sql));
    const prepared = await this.prepare(sql, values);
    try {
      return await attempt(sql, () => duckdb.execute_prepared(prepared));
    } finally {
      duckdb.destroy_prepare_sync(prepared);
    }
  }

  private async prepare(
    sql: string,
    values: readonly SqlValue[],
  ): Promise<duckdb.PreparedStatement> {
    const prepared = await attempt(sql, () => duckdb.prepare(this.handle, sql));
    for (const [i, value] of values.entries()) bind(prepared, i + 1, value);
    return prepared;
  }
}

async function attempt<T>(sql: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw storeError(cause, sql);
  }
}

function bind(prepared: duckdb.PreparedStatement, index: number, value: SqlValue): void {
  if (typeof value === "string") duckdb.bind_varchar(prepared, index, value);
  else if (typeof value === "number") duckdb.bind_int64(prepared, index, BigInt(value));
  else if (typeof value === "bigint") duckdb.bind_uhugeint(prepared, index, value);
  else duckdb.bind_value(prepared, index, listOf(value));
}

function listOf(numbers: readonly number[]): duckdb.Value {
  const integer = duckdb.create_logical_type(duckdb.Type.INTEGER);
  return duckdb.create_list_value(
    integer,
    numbers.map((number) => duckdb.create_int32(number)),
  );
}

/** A bounded set of connections for reading; who finds none free waits in line. */
export class ConnectionPool {
  private readonly size: number;
  private readonly free: Connection[];
  private readonly waiting: ((connection: Connection) => void)[] = [];

  constructor(connections: readonly Connection[]) {
    this.size = connections.length;
    this.free = [...connections];
  }

  /** Nobody reads. */
  get isIdle(): boolean {
    return this.free.length === this.size;
  }

  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.take();
    try {
      return await work(connection);
    } finally {
      this.giveBack(connection);
    }
  }

  /** As Connection.stream; `statement` is made once a connection is free. */
  async *stream<T>(
    statement: () => Statement,
    read: (chunk: duckdb.DataChunk) => T,
  ): AsyncGenerator<T> {
    const connection = await this.take();
    try {
      yield* connection.stream(statement(), read);
    } finally {
      this.giveBack(connection);
    }
  }

  private take(): Promise<Connection> {
    const connection = this.free.pop();
    if (connection) return Promise.resolve(connection);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private giveBack(connection: Connection): void {
    const next = this.waiting.shift();
    if (next) next(connection);
    else this.free.push(connection);
  }
}
