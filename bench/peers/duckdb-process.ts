/**
 * DuckDB in a process of its own, as an embedded database is used: bodies of NDJSON that wait together are read by read_json into a
 * table, counted by minute into another one, and committed, which syncs DuckDB's log. It sees bodies as files, since that
 * is what its reader takes; nothing syncs those.
 *
 * Arguments: a directory, a port. `POST /clicks` answers once the clicks are committed; `POST /query` answers with tab-separated
 * text.
 */
import { createWriteStream, mkdirSync, unlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
import { DuckDBInstance } from "@duckdb/node-api";
import { addBatch, batchOf, schema } from "./duckdb-sql.ts";

interface Waiting {
  readonly path: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const [directory, port] = process.argv.slice(2) as [string, string];
const bodies = join(directory, "bodies");
mkdirSync(bodies);
const instance = await DuckDBInstance.create(join(directory, "clicks.duckdb"));
const writer = await instance.connect();
const reader = await instance.connect();
for (const statement of schema) await writer.run(statement);

let bodyCount = 0;
let waiting: Waiting[] = [];
let isCommitting = false;

createServer((request, response) => {
  const answer = request.url === "/query" ? query(request) : take(request);
  answer.then(
    (content) => response.end(content),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
}).listen(Number(port), "127.0.0.1");

async function query(request: IncomingMessage): Promise<string> {
  const rows = await (await reader.runAndReadAll(await text(request))).getRows();
  return rows.map((row) => row.map(String).join("\t")).join("\n");
}

async function take(request: IncomingMessage): Promise<string> {
  const path = join(bodies, `${bodyCount++}.ndjson`);
  await pipeline(request, createWriteStream(path));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  waiting.push({ path, resolve, reject });
  void commitWaiting();
  await promise;
  return "";
}

async function commitWaiting(): Promise<void> {
  if (isCommitting) return;
  isCommitting = true;
  while (waiting.length > 0) {
    const group = waiting;
    waiting = [];
    try {
      await writer.run("BEGIN");
      await writer.run(
        batchOf(
          "ndjson",
          group.map(({ path }) => path),
        ),
      );
      for (const statement of addBatch) await writer.run(statement);
      await writer.run("COMMIT");
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    for (const { path } of group) unlinkSync(path);
  }
  isCommitting = false;
}
