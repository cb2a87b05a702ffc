import { SqliteCode, sqliteCodeOf } from "../../files/sqlite-code.ts";
import { CodedError } from "../../model/errors.ts";

/** What came of opening the file at `path`. */
export function openFailure(error: unknown, path: string): unknown {
  const code = sqliteCodeOf(error);
  // A number that is larger than any of ours.
  if (code === undefined && !isOutOfRange(error)) return error;
  switch (code) {
    case undefined:
    // Our own statements fail where the tables are not ours.
    case SqliteCode.error:
    case SqliteCode.notADatabase:
    case SqliteCode.corrupt:
      return new CodedError(
        "data_corrupt",
        `${path} is damaged or is not a click queue: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    case SqliteCode.cantOpen:
    case SqliteCode.readOnly:
      return new CodedError(
        "invalid_configuration",
        `the click queue ${path} can't be opened: ${messageOf(error)}`,
        { cause: error },
      );
    default:
      return storageFailure(error, `the click queue ${path} can't be opened`);
  }
}

/** What came of reading records: damage is told from a disk that does not answer. */
export function readFailure(error: unknown, partition: number, offset: number): CodedError {
  if (error instanceof CodedError) return error;
  switch (sqliteCodeOf(error)) {
    case SqliteCode.busy:
    case SqliteCode.noMemory:
    case SqliteCode.ioError:
    case SqliteCode.full:
    case SqliteCode.cantOpen:
      return storageFailure(
        error,
        `the click queue can't be read at partition ${partition}, offset ${offset}`,
      );
    default:
      return corruptRecord(partition, offset, messageOf(error), error);
  }
}

export function corruptRecord(
  partition: number,
  offset: number,
  what: string,
  cause?: unknown,
): CodedError {
  return new CodedError(
    "data_corrupt",
    `the click queue is damaged at partition ${partition}, offset ${offset}: ${what}`,
    { details: { partition, offset }, cause },
  );
}

export function storageFailure(error: unknown, what: string): CodedError {
  return new CodedError("storage_failed", `${what}: ${messageOf(error)}`, { cause: error });
}

function isOutOfRange(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_OUT_OF_RANGE";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
