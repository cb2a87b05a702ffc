/**
 * Opens the database file. What a checkpoint left torn is put back first. A log that cannot be replayed is set aside: what
 * it held is still in the click queue, which is trimmed only after a checkpoint, so that the last checkpoint is a sound
 * place to go on from.
 */

import { existsSync } from "node:fs";
import { link, rename, rm } from "node:fs/promises";
import duckdb from "@duckdb/node-bindings";
import { CodedError } from "../../model/errors.ts";
import { blockBytes, putBack, tornBlocks, undoPathOf } from "./checkpoint-undo.ts";
import { Connection } from "./connection.ts";
import { textLiteral } from "./schema.ts";
import { messageOf } from "./store-error.ts";

export interface OpenOptions {
  /** The database file; its companions (`.wal`, `.undo`, `.tmp`) lie beside it. */
  readonly path: string;
  readonly memoryBytesMax: number;
  readonly threads: number;
  /** What queries may spill to disk. */
  readonly temporaryBytesMax: number;
  /** Queries that run at once; further ones wait. */
  readonly readersMax: number;
  readonly warn: (message: string) => void;
}

/** All files that DuckDB may keep commits in: the log, and what a checkpoint or a recovery was about to make of it. */
const logSuffixes = [".wal", ".wal.checkpoint", ".wal.recovery"];

export async function openDatabase(options: OpenOptions): Promise<duckdb.Database> {
  const database = await openMended(options);
  try {
    await confine(database, options.path);
    return database;
  } catch (error) {
    duckdb.close_sync(database);
    throw error;
  }
}

/** Where exports are prepared; DuckDB writes nowhere else but into its own files. */
export const exportPathOf = (path: string): string => `${path}.export`;

/** What an export that was interrupted has left there goes. */
async function confine(database: duckdb.Database, path: string): Promise<void> {
  const directory = exportPathOf(path);
  await rm(directory, { recursive: true, force: true });
  const connection = new Connection(await duckdb.connect(database));
  try {
    // In this order: once it is confined it can't be given more.
    await connection.run(`SET allowed_directories = [${textLiteral(`${directory}/`)}]`);
    await connection.run("SET enable_external_access = false");
  } finally {
    connection.closeSync();
  }
}

async function openMended(options: OpenOptions): Promise<duckdb.Database> {
  await mendTornCheckpoint(options);
  const unconfined = { enable_external_access: "true" };
  try {
    return await tryOpen(options.path, options, unconfined);
  } catch (cause) {
    refuseWhatNoRecoveryMends(options.path, cause);
    if (!hasLog(options.path)) throw corrupt(options.path, cause);
    await assertCheckpointReadable(options, cause);
    const aside = await setLogAside(options.path);
    const database = await tryOpen(options.path, options, unconfined).catch((error: unknown) => {
      throw corrupt(options.path, error);
    });
    options.warn(
      `the store's log could not be replayed (${messageOf(cause)}); it was set aside as ${aside}, ` +
        `and the store goes on from its last checkpoint`,
    );
    return database;
  }
}

export function tryOpen(
  path: string,
  options: OpenOptions,
  more: Readonly<Record<string, string>> = {},
): Promise<duckdb.Database> {
  const settings: Readonly<Record<string, string>> = {
    threads: String(options.threads),
    memory_limit: `${options.memoryBytesMax}B`,
    temp_directory: `${options.path}.tmp`,
    max_temp_directory_size: `${options.temporaryBytesMax}B`,
    // Keeps the rows of an append together in one thread, which costs less than spreading a commit's few rows.
    preserve_insertion_order: "true",
    default_block_size: String(blockBytes),
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    enable_external_access: "false",
    // Checkpoints come on the pipeline's schedule, never inside a commit.
    checkpoint_threshold: "1000TB",
    ...more,
  };
  const config = duckdb.create_config();
  for (const [name, value] of Object.entries(settings)) duckdb.set_config(config, name, value);
  return duckdb.open(path, config);
}

/** Errors that say nothing about the state of the data. */
function refuseWhatNoRecoveryMends(path: string, cause: unknown): void {
  const message = messageOf(cause);
  if (/could not set lock|conflicting lock/i.test(message)) {
    throw new CodedError("data_dir_locked", `${path} is in use by another process`, { cause });
  }
  if (
    /newer version of DuckDB|was created with DuckDB version|read.*storage version/i.test(message)
  ) {
    throw new CodedError(
      "data_format_newer",
      `${path} was written by a newer release: ${message}`,
      {
        cause,
      },
    );
  }
  if (/permission denied|no space left|read-only file system|too many open files/i.test(message)) {
    throw new CodedError("storage_failed", `${path} cannot be opened: ${message}`, { cause });
  }
}

function hasLog(path: string): boolean {
  return logSuffixes.some((suffix) => existsSync(path + suffix));
}

async function mendTornCheckpoint(options: OpenOptions): Promise<void> {
  const { path, warn } = options;
  if ((await tornBlocks(path)).length === 0) return;
  // A process that writes a checkpoint at this moment has torn blocks too.
  await tryOpenCheckpoint(options).catch((cause: unknown) =>
    refuseWhatNoRecoveryMends(path, cause),
  );
  // It may have finished since they were looked at.
  const torn = await tornBlocks(path);
  if (torn.length === 0) return;
  await putBack(path, torn).catch((cause: unknown) => {
    refuseWhatNoRecoveryMends(path, cause);
    throw cause;
  });
  warn(
    `a checkpoint of ${path} was interrupted in the middle of a write; ` +
      `${torn.length} of its blocks were put back from ${undoPathOf(path)}, and nothing is lost`,
  );
}

async function assertCheckpointReadable(options: OpenOptions, cause: unknown): Promise<void> {
  await tryOpenCheckpoint(options).catch(() => {
    throw corrupt(options.path, cause);
  });
}

/** Looks at the file under another name, beside which there is no log, so that a corrupt file keeps its log. */
async function tryOpenCheckpoint(options: OpenOptions): Promise<void> {
  const probe = `${options.path}.probe`;
  await rm(probe, { force: true });
  await link(options.path, probe);
  try {
    duckdb.close_sync(await tryOpen(probe, options, { access_mode: "READ_ONLY" }));
  } finally {
    for (const suffix of ["", ...logSuffixes]) await rm(probe + suffix, { force: true });
  }
}

async function setLogAside(path: string): Promise<string> {
  let number = 1;
  while (existsSync(`${path}.wal.unreplayable-${number}`)) number++;
  const name = (suffix: string) => `${path}${suffix}.unreplayable-${number}`;
  for (const suffix of logSuffixes) {
    if (existsSync(path + suffix)) await rename(path + suffix, name(suffix));
  }
  return name(".wal");
}

function corrupt(path: string, cause: unknown): CodedError {
  return new CodedError(
    "data_corrupt",
    `${path} cannot be read: ${messageOf(cause)}. Restore a backup of the data directory; ` +
      `the click queue still holds what came after the last checkpoint.`,
    { details: { path }, cause },
  );
}
