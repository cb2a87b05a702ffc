/** Speaks to ClickHouse over HTTP, and tells its errors apart for the rest of the program. */

import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import { ClickHouseError, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { isCertificateError } from "../../model/certificate-error.ts";
import { CodedError } from "../../model/errors.ts";
import type { NativeBlock } from "./native-block.ts";
import { readBlocks } from "./native-block.ts";

export interface ClickHouseOptions {
  /** `http://host:port` each; any of them knows all that was committed. */
  readonly urls: readonly string[];
  readonly database: string;
  readonly username?: string;
  readonly password?: string;
  /** Of silence on a connection; has a default that bears long queries. */
  readonly silenceMsMax?: number;
}

export type SqlValue = number | string | null;
export type SqlRow = readonly SqlValue[];

const silenceMsMaxDefault = 60_000;
const connectionsMax = 16;

const always: ClickHouseSettings = {
  output_format_json_quote_64bit_integers: 0,
  output_format_json_quote_denormals: 1,
  // What is asked for is written into the statement, up to some thousand identities.
  max_query_size: "100000000",
  max_ast_elements: "10000000",
  max_expanded_ast_elements: "10000000",
  join_use_nulls: 0,
  // An error in the middle of an answer ends the connection, and is never taken for a row of it.
  http_write_exception_in_output_format: 0,
};

/** One insert is one block, which is there as a whole or not at all in each partition of its table. */
const forInserts: ClickHouseSettings = {
  async_insert: 0,
  insert_deduplicate: 0,
  max_insert_threads: "1",
  max_partitions_per_insert_block: "0",
  wait_end_of_query: 1,
};

export class Connection implements AsyncDisposable {
  readonly database: string;
  private readonly clients: readonly ClickHouseClient[];
  /** The one that answered last. */
  private current = 0;

  constructor({
    urls,
    database,
    username,
    password,
    silenceMsMax = silenceMsMaxDefault,
  }: ClickHouseOptions) {
    this.database = database;
    this.clients = urls.map((url) =>
      createClient({
        url,
        database,
        ...(username !== undefined && { username }),
        ...(password !== undefined && { password }),
        request_timeout: silenceMsMax,
        max_open_connections: connectionsMax,
        clickhouse_settings: always,
        log: { level: ClickHouseLogLevel.OFF },
      }),
    );
  }

  async rows(sql: string): Promise<SqlRow[]> {
    return await this.ask(sql, async (client) => {
      const answer = await client.query({ query: sql, format: "JSONCompactEachRow" });
      return await answer.json<SqlRow>();
    });
  }

  async run(sql: string, settings: ClickHouseSettings = {}): Promise<void> {
    await this.ask(sql, async (client) => {
      await client.command({ query: sql, clickhouse_settings: settings });
    });
  }

  async insert(table: string, block: NativeBlock): Promise<void> {
    const columns = block.columns.map(({ name }) => quoted(name)).join(", ");
    const query = `INSERT INTO ${table} (${columns}) FORMAT Native`;
    await this.ask(query, async (client) => {
      const { stream } = await client.exec({
        query,
        values: Readable.from([block.encode()]),
        clickhouse_settings: forInserts,
      });
      // Rejects also where the server goes before its answer has come to an end.
      await finished(stream.resume());
    });
  }

  /** The rows of a query in blocks of columns, as they come. */
  async *blocks(sql: string): AsyncGenerator<NativeBlock> {
    const { stream } = await this.ask(sql, (client) =>
      client.exec({ query: `${sql} FORMAT Native` }),
    );
    try {
      yield* readBlocks(stream);
    } catch (error) {
      throw storeError(error, sql);
    } finally {
      stream.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }

  /**
   * Nothing that may have been heard is asked twice: who asked decides. A server that can't be connected to is passed over
   * for the next, and one that went away in the middle for the next question.
   */
  private async ask<T>(sql: string, work: (client: ClickHouseClient) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      const asked = this.current;
      try {
        return await work(this.clients[asked]!);
      } catch (error) {
        const told = storeError(error, sql);
        if (told.code === "store_unavailable" && asked === this.current)
          this.current = (asked + 1) % this.clients.length;
        if (tries === this.clients.length || !wasNeverHeard(error)) throw told;
      }
    }
  }
}

function wasNeverHeard(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "ECONNREFUSED" || code === "ENOTFOUND" || code === "EHOSTUNREACH";
}

function storeError(cause: unknown, sql: string): CodedError {
  if (cause instanceof CodedError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const details = { statement: sql.slice(0, 500) };
  if (cause instanceof ClickHouseError)
    return new CodedError("storage_failed", `ClickHouse: ${message}`, { details, cause });
  // It is there, and it would not do to ask again.
  if (isCertificateError(cause))
    return new CodedError("storage_failed", `ClickHouse is not believed: ${message}`, {
      details,
      cause,
    });
  // No answer: it is away, or went in the middle.
  return new CodedError("store_unavailable", `ClickHouse can't be reached: ${message}`, {
    details,
    cause,
  });
}

export function quoted(identifier: string): string {
  return `\`${identifier.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``;
}

/** A text as it is written in a statement. */
export function literal(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

export function literals(texts: readonly string[]): string {
  return texts.map(literal).join(", ");
}

/** Numbers of our own making are written out: they are no text that could be anything else. */
export function integer(value: number): string {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no whole number`);
  return String(value);
}
