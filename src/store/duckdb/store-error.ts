/** What DuckDB's errors mean to the rest of the program. */

import { CodedError } from "../../model/errors.ts";

/** The engine refuses everything after such an error, until it is opened anew. */
export function isEngineBroken(error: unknown): boolean {
  return /database has been invalidated|\b(?:FATAL|INTERNAL) Error/.test(messageOf(error));
}

export function storeError(cause: unknown, sql: string): CodedError {
  const message = messageOf(cause);
  const details = { statement: sql.slice(0, 500) };
  if (/corrupt|checksum/i.test(message)) {
    return new CodedError(
      "data_corrupt",
      `the store's data cannot be read: ${message}. Restore a backup of the data directory.`,
      { details, cause },
    );
  }
  return new CodedError("storage_failed", `the store failed: ${message}`, { details, cause });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
