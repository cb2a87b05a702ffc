/**
 * Errors that reach a caller. `code` is stable and part of the API; `field` names what was wrong,
 * `details` carries machine-readable help such as the known dimensions.
 */

/** Why a request as a whole is refused or could not be done. The API maps each code to an HTTP status. */
export type ErrorCode =
  | "malformed_json"
  | "invalid_parameter"
  | "invalid_filter"
  | "unknown_dimension"
  | "range_too_large"
  | "range_provisional"
  | "as_of_provisional"
  | "period_not_final"
  | "outside_retention"
  | "history_replaced"
  | "not_found"
  | "key_missing"
  | "key_wrong"
  | "key_expired"
  | "scope_missing"
  | "rate_limited"
  | "already_exists"
  | "already_running"
  | "disk_full"
  | "method_not_allowed"
  | "body_too_large"
  | "batch_too_large"
  | "record_too_large"
  | "unsupported_media_type"
  | "unsupported_encoding"
  | "malformed_encoding"
  | "overloaded"
  | "queue_full"
  | "queue_unavailable"
  | "queue_refused"
  | "store_unavailable"
  | "store_taken_over"
  | "dedup_full"
  | "not_ready"
  | "other_role"
  | "unhealthy"
  | "internal_error"
  | "data_dir_locked"
  | "data_dir_moved"
  | "move_unfinished"
  | "data_format_newer"
  | "data_corrupt"
  | "invalid_configuration"
  | "link_invalid"
  | "link_expired"
  | "link_ahead"
  | "storage_failed";

/** Why one item of a batch is refused; the other items are not touched by it. */
export type ItemErrorCode =
  | "malformed_json"
  | "malformed_row"
  | "invalid_type"
  | "missing_field"
  | "empty_field"
  | "field_too_long"
  | "invalid_timestamp"
  | "future_timestamp"
  | "invalid_ip"
  | "invalid_country"
  | "unknown_field"
  | "invalid_utf8";

export interface ItemError {
  /** Position of the item in the body, from 0 (NDJSON: blank lines are not items). */
  readonly index: number;
  /** Absent where the item as a whole is wrong. */
  readonly field?: string;
  readonly code: ItemErrorCode;
  readonly message: string;
}

export class CodedError extends Error {
  override readonly name = "CodedError";
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { field?: string; details?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.field = options.field;
    this.details = options.details ?? {};
  }
}

/** A text that UTF-8 can't hold. */
export function halfPair(field: string): CodedError {
  return new CodedError("invalid_parameter", `${field}: holds half of a surrogate pair`, { field });
}
