/**
 * The directory that holds everything a service has stored, and the lock that keeps a second process out.
 *
 *   format.json     {"version": 1}; written last when the directory is made, so it vouches for the rest
 *   secret          32 random bytes that key the identities of clicks (mode 0600)
 *   lock.sqlite     empty; locked while a process has the directory open
 *   lock.pid        the process that locked it last
 *   config.json     the semantic settings as the log has them (config/config-log.ts)
 *   queue.sqlite    the click queue (with SQLite's own files beside it, and how far it was acknowledged), or instead
 *   topic.json      the Kafka topic that is the queue, with its id (threads/open-queue.ts)
 *   store.duckdb    the click store (likewise), or instead
 *   database.json   the ClickHouse database that is the store, with its id (threads/open-store.ts)
 *   imports/        progress of imports
 *   moved.json      where all of this was moved to; then it is a store no more
 */

import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { makeDirectory, writeFileDurably } from "./files/durable-file.ts";
import { lockFile } from "./files/file-lock.ts";
import { SqliteCode, sqliteCodeOf } from "./files/sqlite-code.ts";
import { CodedError } from "./model/errors.ts";

export interface DataDirectory extends AsyncDisposable {
  /** Absolute. */
  readonly path: string;
  /** 32 bytes. Without it clicks that were counted could not be told from new ones. */
  readonly dedupSecret: Uint8Array;
  readonly queuePath: string;
  readonly storePath: string;
  /** Names the database that is the store, where it is one of another machine. */
  readonly databasePath: string;
  /** Whether a store of either kind was begun when the directory was opened. */
  readonly hasStore: boolean;
  /** Exists. */
  readonly importsPath: string;
  /** The record of its semantic settings. */
  readonly configPath: string;
  /** From here on no service opens it. Safe to repeat. */
  markMoved(to: MovedTo): Promise<void>;
}

/** Where a directory was moved to. */
export interface MovedTo {
  readonly database: string;
  readonly topic: string;
}

const formatVersion = 1;
const movedName = "moved.json";
const secretLength = 32;
const directoryMode = 0o700;

/**
 * Opens the data directory for this process alone, made where it is missing. Disposing of it lets it go; so
 * does the operating system when the process is killed.
 *
 * Rejects with `data_dir_locked` where another process has it open, `data_format_newer` where a newer release
 * made it (nothing is changed then), `data_corrupt` where something of it is missing or damaged,
 * `invalid_configuration` where it can't be made or written, `data_dir_moved` where it was moved, unless it is opened for
 * just that.
 */
export async function openDataDirectory(
  directory: string,
  { toMove = false }: { readonly toMove?: boolean } = {},
): Promise<DataDirectory> {
  const path = resolve(directory);
  const lock = await attempt(path, async () => {
    await makeDirectory(path, directoryMode);
    return lockDirectory(path);
  });
  try {
    const dedupSecret = await attempt(path, async () => {
      if (!toMove) await refuseMoved(path);
      if (!(await hasFormat(path))) await fill(path);
      await writeFileDurably(join(path, "lock.pid"), `${process.pid}\n`);
      await makeDirectory(join(path, "imports"), directoryMode);
      return readSecret(path);
    });
    const storePath = join(path, "store.duckdb");
    const databasePath = join(path, "database.json");
    return {
      path,
      dedupSecret,
      queuePath: join(path, "queue.sqlite"),
      storePath,
      databasePath,
      hasStore: existsSync(storePath) || existsSync(databasePath),
      importsPath: join(path, "imports"),
      configPath: join(path, "config.json"),
      markMoved: (to) =>
        writeFileDurably(join(path, movedName), `${JSON.stringify({ version: 1, ...to })}\n`),
      async [Symbol.asyncDispose]() {
        lock[Symbol.dispose]();
      },
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

async function lockDirectory(path: string): Promise<Disposable> {
  const lock = lockFile(join(path, "lock.sqlite"));
  if (lock) return lock;
  const pid = await readPid(path);
  throw new CodedError(
    "data_dir_locked",
    `the data directory ${path} is open in another process${pid === undefined ? "" : ` (pid ${pid})`}: ` +
      "stop it first, or use another data_dir",
    { field: "data_dir", details: { path, ...(pid !== undefined && { pid }) } },
  );
}

/** Who locked it, where that can be told. */
async function readPid(path: string): Promise<number | undefined> {
  const text = await readFile(join(path, "lock.pid"), "utf8").catch(() => "");
  return /^\d+\n$/.test(text) ? Number(text) : undefined;
}

async function refuseMoved(path: string): Promise<void> {
  const moved = join(path, movedName);
  if (!existsSync(moved)) return;
  const { database, topic } = parseMoved(await readFile(moved, "utf8"));
  throw new CodedError(
    "data_dir_moved",
    `the data directory ${path} was moved to the database ${database} and the topic ${topic}, which count on: ` +
      `start with another data_dir. What takes it back is told in docs/operations.md, "Moving up"`,
    { field: "data_dir", details: { path, database, topic } },
  );
}

/** Whatever is in the file: that it is there says that the directory was moved. */
function parseMoved(text: string): Partial<MovedTo> {
  try {
    return (JSON.parse(text) ?? {}) as Partial<MovedTo>;
  } catch {
    return {};
  }
}

/** False where the directory is not filled yet. */
async function hasFormat(path: string): Promise<boolean> {
  const formatPath = join(path, "format.json");
  if (!existsSync(formatPath)) return false;
  const version = parseVersion(await readFile(formatPath, "utf8"));
  if (version === undefined) throw corrupt(path, "format.json is unreadable");
  if (version <= formatVersion) return true;
  throw new CodedError(
    "data_format_newer",
    `the data directory ${path} has format ${version}, this release knows up to ${formatVersion}: use a newer release`,
    { field: "data_dir", details: { path, found: version, known: formatVersion } },
  );
}

function parseVersion(text: string): number | undefined {
  try {
    const { version } = JSON.parse(text) as { version?: unknown };
    return Number.isInteger(version) && (version as number) > 0 ? (version as number) : undefined;
  } catch {
    return undefined;
  }
}

/** A crash on the way leaves no format.json, and the next opening begins again. */
async function fill(path: string): Promise<void> {
  for (const name of ["queue.sqlite", "store.duckdb"]) {
    if (existsSync(join(path, name))) throw corrupt(path, `it has ${name} but no format.json`);
  }
  await writeFileDurably(join(path, "secret"), randomBytes(secretLength));
  await writeFileDurably(
    join(path, "format.json"),
    `${JSON.stringify({ version: formatVersion })}\n`,
  );
}

async function readSecret(path: string): Promise<Uint8Array> {
  const secretPath = join(path, "secret");
  // Never made anew: under another secret every click resent would count again.
  if (!existsSync(secretPath)) throw corrupt(path, "its secret is missing");
  const secret = await readFile(secretPath);
  if (secret.length !== secretLength) {
    throw corrupt(path, `its secret has ${secret.length} bytes instead of ${secretLength}`);
  }
  return new Uint8Array(secret);
}

function corrupt(path: string, what: string): CodedError {
  return new CodedError("data_corrupt", `the data directory ${path} is damaged: ${what}`, {
    field: "data_dir",
    details: { path },
  });
}

/** What the file system refuses becomes an error that says what to do. */
async function attempt<Result>(path: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof CodedError || !(error instanceof Error)) throw error;
    if (isDiskFull(error)) {
      throw new CodedError(
        "storage_failed",
        `the disk of the data directory ${path} is full (${error.message}): make room and start again, ` +
          "what was acknowledged is safe",
        { field: "data_dir", details: { path }, cause: error },
      );
    }
    throw new CodedError(
      isRefusal(error) ? "invalid_configuration" : "storage_failed",
      `the data directory ${path} can't be ${isRefusal(error) ? "written" : "used"} (${error.message}): ` +
        "it must be a directory that this user may read and write",
      { field: "data_dir", details: { path }, cause: error },
    );
  }
}

function isDiskFull(error: Error): boolean {
  if (sqliteCodeOf(error) === SqliteCode.full) return true;
  return "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

function isRefusal(error: Error): boolean {
  const sqliteCode = sqliteCodeOf(error);
  if (sqliteCode !== undefined)
    return sqliteCode === SqliteCode.cantOpen || sqliteCode === SqliteCode.readOnly;
  const refusals: unknown[] = ["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "ENOENT"];
  return "code" in error && refusals.includes(error.code);
}
