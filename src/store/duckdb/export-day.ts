/**
 * Exports by DuckDB's COPY. DuckDB may write into one directory beside the store only (open.ts), so a file is prepared
 * there, and then brought to where it is wanted. The store's disk is what the service lives on: an export is ended where
 * little room is left on it.
 */

import { existsSync } from "node:fs";
import { mkdir, rename, rm, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import duckdb from "@duckdb/node-bindings";
import { copyFileDurably } from "../../files/copy-file.ts";
import { syncDirectory } from "../../files/durable-file.ts";
import { CodedError } from "../../model/errors.ts";
import type { ExportedDay, ExportQuery } from "../store-exports.ts";
import type { Connection } from "./connection.ts";
import { exportToSql, rowsToSql } from "./export-sql.ts";
import { exportPathOf } from "./open.ts";
import type { StoreContext } from "./queries.ts";
import { readSequence } from "./read.ts";
import { textLiteral } from "./schema.ts";

/** Left free on the store's disk: a tenth of it, at most this. */
const freeBytesLeast = 1e9;
const lookEveryMs = 200;

export interface PreparedExport extends Pick<ExportedDay, "asOf" | "rows"> {
  /** Undefined where there are no rows. */
  readonly path: string | undefined;
}

/** Of one snapshot. May be asked again: what it had prepared before goes. */
export async function prepareExport(
  connection: Connection,
  context: StoreContext,
  storePath: string,
  query: ExportQuery,
  signal: AbortSignal,
): Promise<PreparedExport> {
  const directory = exportPathOf(storePath);
  await rm(directory, { recursive: true, force: true });
  return await connection.snapshot(async () => {
    const asOf = await readSequence(connection);
    const [counted] = await connection.rows(rowsToSql(query, context));
    if (!counted?.[0]) return { asOf, rows: 0, path: undefined };
    await mkdir(directory, { mode: 0o700 });
    const path = join(directory, `day.${query.format}`);
    const rows = await watched(connection, storePath, signal, () =>
      copyTo(connection, path, query, context),
    );
    return { asOf, rows, path: rows === 0 ? undefined : path };
  });
}

/** Brings a prepared file to its place. Resolves with its size. */
export async function placeExport(prepared: string, path: string): Promise<number> {
  if (existsSync(path)) throw exists(path);
  const partial = join(dirname(path), `.partial-${basename(path)}`);
  try {
    await rm(partial, { force: true });
    const { bytes } = await copyFileDurably(prepared, partial);
    if (existsSync(path)) throw exists(path);
    await rename(partial, path);
    await syncDirectory(dirname(path));
    return bytes;
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw error;
  } finally {
    await rm(dirname(prepared), { recursive: true, force: true });
  }
}

async function copyTo(
  connection: Connection,
  path: string,
  query: ExportQuery,
  context: StoreContext,
): Promise<number> {
  const format =
    query.format === "csv" ? "FORMAT csv, HEADER true" : "FORMAT parquet, COMPRESSION zstd";
  const [row] = await connection.rows(
    `COPY (${exportToSql(query, context)}) TO ${textLiteral(path)} (${format}, USE_TMP_FILE false)`,
  );
  return row?.[0] as number;
}

/** Interrupts the connection's statement where that is asked for, or the disk gets full. */
async function watched<T>(
  connection: Connection,
  storePath: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  let why: unknown;
  const interrupt = (error: unknown): void => {
    why ??= error;
    duckdb.interrupt(connection.handle);
  };
  const onAbort = (): void => interrupt(signal.reason);
  signal.addEventListener("abort", onAbort);
  const look = async (): Promise<void> => {
    if (!(await hasRoom(storePath))) interrupt(noRoom(storePath));
  };
  const timer = setInterval(() => void look().catch(interrupt), lookEveryMs);
  try {
    if (!(await hasRoom(storePath))) throw noRoom(storePath);
    return await work();
  } catch (error) {
    await rm(exportPathOf(storePath), { recursive: true, force: true });
    throw why ?? error;
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

async function hasRoom(storePath: string): Promise<boolean> {
  const { bavail, blocks, bsize } = await statfs(dirname(storePath));
  return bavail * bsize > Math.min((blocks * bsize) / 10, freeBytesLeast);
}

function noRoom(storePath: string): CodedError {
  const what = `the disk of ${dirname(storePath)} has too little room to prepare an export`;
  return new CodedError("disk_full", `${what}: make room, or export a shorter range`, {
    details: { path: dirname(storePath) },
  });
}

function exists(path: string): CodedError {
  return new CodedError("already_exists", `dir: ${path} exists, and is not overwritten`, {
    field: "dir",
    details: { path },
  });
}
