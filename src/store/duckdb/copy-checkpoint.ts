/**
 * A copy of the store's file as of its last checkpoint.
 *
 * Between two checkpoints DuckDB writes into its file only blocks that the checkpoint in force does not refer to: rows of
 * large commits, ahead of their COMMIT. A block that it does refer to is given free by a later checkpoint and written
 * again after that one. Headers and metadata are written by checkpoints alone. So a copy made while none runs opens as
 * of the last one, whatever is committed meanwhile; the log beside the file (`.wal`) is no part of it.
 * (DuckDB 1.5: SingleFileBlockManager::WriteHeader and MarkBlockAsModified.)
 */

import duckdb from "@duckdb/node-bindings";
import type { FileDigest } from "../../files/copy-file.ts";
import { copyOpenFile } from "../../files/copy-file.ts";
import { CodedError } from "../../model/errors.ts";
import type { PartitionProgress } from "../../model/commit.ts";
import { Connection } from "./connection.ts";
import type { Engine } from "./engine.ts";
import type { OpenOptions } from "./open.ts";
import { tryOpen } from "./open.ts";
import { readProgress, readSequence } from "./read.ts";

const memoryBytesMax = 128e6;

/** No checkpoint may run meanwhile. */
export async function copyCheckpoint(
  { undo }: Engine,
  to: string,
  signal: AbortSignal,
): Promise<FileDigest> {
  const headers = await undo.readHeaders();
  const digest = await copyOpenFile(undo.file, to, { signal });
  if (headers.equals(await undo.readHeaders())) return digest;
  throw new CodedError("storage_failed", "a checkpoint ran while the store was copied");
}

/** What a copy holds. Opening it reads its metadata, as a start would. */
export async function lookAtCopy(
  path: string,
  options: OpenOptions,
): Promise<{ readonly asOf: number; readonly progress: readonly PartitionProgress[] }> {
  const database = await tryOpen(
    path,
    { ...options, memoryBytesMax, threads: 1 },
    { access_mode: "READ_ONLY" },
  );
  const connection = new Connection(await duckdb.connect(database));
  try {
    const asOf = await readSequence(connection);
    return { asOf, progress: await readProgress(connection, asOf) };
  } finally {
    connection.closeSync();
    duckdb.close_sync(database);
  }
}
