/** Speaks to ClickHouse over HTTP, and tells its errors apart for the rest of the program. */

import type { ClickHouseClient, ClickHouseSettings, ExecParams } from "@clickhouse/client";
import { ClickHouseError, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { isCertificateError } from "../../model/certificate-error.ts";
import { CodedError } from "../../model/errors.ts";
import type { NativeBlock } from "./native-block.ts";
import { readBlocks } from "./native-block.ts";
import { Slots } from "./slots.ts";
import { Statement } from "./statement.ts";

export interface ClickHouseOptions {
  /** `http://host:port` each; any of them can be asked. */
  readonly urls: readonly string[];
  readonly database: string;
  readonly username?: string;
  readonly password?: string;
  /** After so long a silence a statement is given up that the server does not work on; has a default. */
  readonly silenceMsMax?: number;
}

export type SqlValue = number | string | null;
export type SqlRow = readonly SqlValue[];

const silenceMsMaxDefault = 60_000;
/** Further statements wait for one of these to end: what has not been sent yet must not seem to be silence. */
const statementsMax = 16;

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

/** A query that nobody waits for any more ends. The server looks for that where it is told that nothing is changed by it. */
const forReads: ClickHouseSettings = {
  readonly: "2",
  cancel_http_readonly_queries_on_client_close: 1,
  // An answer is of all shards or none.
  skip_unavailable_shards: 0,
};

/** One insert is one block, which is there as a whole or not at all in each partition of its table. */
const forInserts: ClickHouseSettings = {
  async_insert: 0,
  insert_deduplicate: 0,
  max_insert_threads: "1",
  max_partitions_per_insert_block: "0",
  wait_end_of_query: 1,
};

interface Server {
  readonly client: ClickHouseClient;
  /** For asking what the server works on; gives up by itself. */
  readonly asking: ClickHouseClient;
}

export class Connection implements AsyncDisposable {
  readonly database: string;
  readonly urls: readonly string[];
  private readonly silenceMsMax: number;
  private readonly servers: readonly Server[];
  private readonly slots = new Slots(statementsMax);
  /** The one that answered last. */
  private current = 0;

  constructor(options: ClickHouseOptions) {
    this.database = options.database;
    this.urls = options.urls;
    this.silenceMsMax = options.silenceMsMax ?? silenceMsMaxDefault;
    this.servers = options.urls.map((url) => ({
      client: clientOf(url, options, 0),
      asking: clientOf(url, options, this.silenceMsMax),
    }));
  }

  async rows(sql: string): Promise<SqlRow[]> {
    return await this.ask(sql, async (client, statement) => {
      const answer = await statement.hear(
        client.query({
          query: sql,
          format: "JSONCompactEachRow",
          ...requestOf(statement),
          clickhouse_settings: forReads,
        }),
      );
      const rows: SqlRow[] = [];
      for await (const some of chunksOf(answer.stream<SqlRow>(), statement))
        for (const row of some) rows.push(row.json());
      return rows;
    });
  }

  async run(sql: string, settings: ClickHouseSettings = {}): Promise<void> {
    await this.ask(sql, (client, statement) =>
      throughItsEnd(client, statement, { query: sql, clickhouse_settings: settings }),
    );
  }

  async insert(table: string, block: NativeBlock): Promise<void> {
    const columns = block.columns.map(({ name }) => quoted(name)).join(", ");
    const query = `INSERT INTO ${table} (${columns}) FORMAT Native`;
    await this.ask(query, (client, statement) =>
      throughItsEnd(client, statement, {
        query,
        values: Readable.from([block.encode()]),
        clickhouse_settings: forInserts,
      }),
    );
  }

  /** The rows of a query in blocks of columns, as they come. */
  async *blocks(sql: string): AsyncGenerator<NativeBlock> {
    using resources = new DisposableStack();
    resources.use(await this.slots.take());
    const { stream, statement } = await this.tryServers(sql, async (client, own) => {
      const query = `${sql} FORMAT Native`;
      const answer = await own.hear(
        client.exec({ query, ...requestOf(own), clickhouse_settings: forReads }),
      );
      return { stream: answer.stream, statement: own };
    });
    try {
      yield* readBlocks(chunksOf(stream, statement));
    } catch (error) {
      throw storeError(error, sql);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const clients = this.servers.flatMap(({ client, asking }) => [client, asking]);
    await Promise.all(clients.map((client) => client.close()));
  }

  private async ask<T>(sql: string, work: Work<T>): Promise<T> {
    using resources = new DisposableStack();
    resources.use(await this.slots.take());
    return await this.tryServers(sql, work);
  }

  /**
   * Nothing that may have been heard is asked twice: who asked decides. A server that can't be connected to is passed over
   * for the next, and one that went away in the middle for the next question.
   */
  private async tryServers<T>(sql: string, work: Work<T>): Promise<T> {
    const { servers, silenceMsMax } = this;
    for (let tries = 1; ; tries++) {
      const asked = this.current;
      const { client, asking } = servers[asked]!;
      const isWorkedOn = (id: string): Promise<boolean> => isRunning(asking, id);
      try {
        return await work(client, new Statement({ isWorkedOn, silenceMsMax }));
      } catch (error) {
        const told = storeError(error, sql);
        if (told.code === "store_unavailable" && asked === this.current)
          this.current = (asked + 1) % servers.length;
        if (tries === servers.length || !wasNeverHeard(error)) throw told;
      }
    }
  }
}

type Work<T> = (client: ClickHouseClient, statement: Statement) => Promise<T>;

/** Of `silenceMsMax` 0: waits for ever. */
function clientOf(
  url: string,
  { database, username, password }: ClickHouseOptions,
  silenceMsMax: number,
): ClickHouseClient {
  return createClient({
    url,
    database,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    request_timeout: silenceMsMax,
    max_open_connections: statementsMax,
    clickhouse_settings: always,
    log: { level: ClickHouseLogLevel.OFF },
  });
}

function requestOf({ id, signal }: Statement): Pick<ExecParams, "query_id" | "abort_signal"> {
  return { query_id: id, abort_signal: signal };
}

/** Of one that answers nothing but its end. Rejects also where the server goes before that. */
async function throughItsEnd(
  client: ClickHouseClient,
  statement: Statement,
  params: Parameters<ClickHouseClient["exec"]>[0],
): Promise<void> {
  const { stream } = await statement.hear(client.exec({ ...params, ...requestOf(statement) }));
  try {
    await statement.hear(finished(stream.resume()));
  } finally {
    stream.destroy();
  }
}

/** While nobody asks for the next one there is no silence. */
async function* chunksOf<T>(stream: StreamOf<T>, statement: Statement): AsyncGenerator<T> {
  const chunks = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { value, done } = await statement.hear(chunks.next());
      if (done === true) return;
      yield value;
    }
  } finally {
    stream.destroy();
  }
}

type StreamOf<T> = AsyncIterable<T> & Pick<Readable, "destroy">;

async function isRunning(asking: ClickHouseClient, id: string): Promise<boolean> {
  try {
    const answer = await asking.query({
      query: `SELECT count() FROM system.processes WHERE query_id = ${literal(id)}`,
      format: "JSONCompactEachRow",
    });
    const [row] = await answer.json<[number]>();
    return row![0] > 0;
  } catch {
    return false;
  }
}

function wasNeverHeard(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "ECONNREFUSED" || code === "ENOTFOUND" || code === "EHOSTUNREACH";
}

/** What a server says that asks another one: ATTEMPT_TO_READ_AFTER_EOF, DNS_ERROR, SOCKET_TIMEOUT, NETWORK_ERROR, ALL_CONNECTION_TRIES_FAILED. */
const awayCodes: ReadonlySet<string> = new Set(["32", "198", "209", "210", "279"]);

function storeError(cause: unknown, sql: string): CodedError {
  if (cause instanceof CodedError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const details = { statement: sql.slice(0, 500) };
  if (cause instanceof ClickHouseError && awayCodes.has(cause.code))
    return new CodedError("store_unavailable", `a shard can't be reached: ${message}`, {
      details,
      cause,
    });
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
