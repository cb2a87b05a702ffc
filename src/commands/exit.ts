/** How a command ends. */

import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";

export const ExitCode = {
  done: 0,
  /** A check found something. */
  found: 1,
  wrongUsage: 2,
  /** Could not finish. */
  failed: 3,
} as const;

/** What the caller has to put right. */
const usageCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "invalid_configuration",
  "invalid_parameter",
  "link_invalid",
  "invalid_filter",
  "unknown_dimension",
  "range_too_large",
  "malformed_json",
  "already_exists",
]);

export function exitCodeOf(error: unknown): number {
  return error instanceof CodedError && usageCodes.has(error.code)
    ? ExitCode.wrongUsage
    : ExitCode.failed;
}

/** One line for people, with what it came from; never a stack. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause =
    error instanceof CodedError || error.cause === undefined ? "" : `: ${messageOf(error.cause)}`;
  return `${error.message}${cause}`;
}
