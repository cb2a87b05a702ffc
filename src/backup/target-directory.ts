/** Directories that callers name for the service to write into, and what the file system says of them. */

import { realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { SqliteCode, sqliteCodeOf } from "../files/sqlite-code.ts";
import { CodedError } from "../model/errors.ts";

const pathBytesMax = 4_096;

/**
 * The normalized path. Throws `invalid_parameter` where it is not absolute or lies inside the data directory, also by
 * way of a link.
 */
export async function targetDirectory(
  field: string,
  path: string,
  dataDirectory: string,
): Promise<string> {
  if (!isAbsolute(path)) throw refused(field, `'${path}' is not an absolute path`);
  if (path.includes("\0") || Buffer.byteLength(path) > pathBytesMax)
    throw refused(field, "is no path");
  const target = resolve(path);
  const isInside = contains(dataDirectory, target);
  if (isInside || contains(await realpath(dataDirectory), await realPathOf(target)))
    throw refused(field, `${target} lies inside the data directory ${dataDirectory}`);
  return target;
}

/** What the file system refuses, as an error that says what to do; what is none of its errors stays as it is. */
export function targetError(error: unknown, field: string, path: string): unknown {
  if (error instanceof CodedError && error.code !== "storage_failed") return error;
  const code = fileErrorOf(error);
  if (code === undefined) return error;
  const details = { path };
  if (code === "ENOSPC" || code === "EDQUOT" || code === "SQLITE_FULL") {
    return new CodedError("disk_full", `${field}: the disk of ${path} is full: make room there`, {
      field,
      details,
      cause: error,
    });
  }
  return new CodedError(
    "invalid_parameter",
    `${field}: ${path} can't be written (${code}): it must be a directory that the service may write`,
    { field, details, cause: error },
  );
}

const refusals: ReadonlySet<string> = new Set([
  "EACCES",
  "EPERM",
  "EROFS",
  "ENOTDIR",
  "EEXIST",
  "ENOENT",
  "ENAMETOOLONG",
  "ELOOP",
  "ENOSPC",
  "EDQUOT",
]);

/** Also of the error behind it. */
function fileErrorOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string" && refusals.has(error.code))
    return error.code;
  if (sqliteCodeOf(error) === SqliteCode.full) return "SQLITE_FULL";
  return fileErrorOf(error.cause);
}

function contains(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Of the part that exists, with the rest behind it. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathOf(parent), basename(path));
  }
}

function refused(field: string, what: string): CodedError {
  return new CodedError("invalid_parameter", `${field}: ${what}`, { field });
}
