/** Errors as RFC 9457 problem details: `{type, title, status, detail, code, field?, …}`. */

import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";
import { parameterError } from "./parameter-error.ts";

export const problemMediaType = "application/problem+json; charset=utf-8";

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** What went wrong is our own affair: logged, and not told to the caller. */
  readonly hidden?: true;
  /** The caller may try again after so many seconds. */
  readonly retryAfterSeconds?: number;
}

const problemKinds: Readonly<Record<ErrorCode, ProblemKind>> = {
  malformed_json: { status: 400, title: "The body is not valid JSON" },
  invalid_parameter: { status: 400, title: "A parameter is not valid" },
  invalid_filter: { status: 400, title: "The filter is not valid" },
  unknown_dimension: { status: 400, title: "There is no such dimension" },
  range_too_large: { status: 400, title: "The range is too large" },
  range_provisional: { status: 409, title: "The range is not final yet" },
  as_of_provisional: { status: 410, title: "The range was not final at that commit" },
  period_not_final: { status: 409, title: "The period is not final yet" },
  outside_retention: { status: 410, title: "The range reaches data that is no longer kept" },
  history_replaced: { status: 410, title: "The store was put back to what it was before" },
  key_missing: { status: 401, title: "An API key is needed" },
  key_wrong: { status: 401, title: "There is no such API key" },
  key_expired: { status: 401, title: "The API key has expired" },
  scope_missing: { status: 403, title: "The API key is not for this" },
  rate_limited: { status: 429, title: "Too many requests" },
  not_found: { status: 404, title: "Not found" },
  already_exists: { status: 409, title: "It exists already" },
  already_running: { status: 409, title: "It is running already", retryAfterSeconds: 10 },
  disk_full: { status: 507, title: "The disk to write to is full" },
  method_not_allowed: { status: 405, title: "The method is not allowed here" },
  body_too_large: { status: 413, title: "The body is too large" },
  batch_too_large: { status: 413, title: "The batch has too many items" },
  record_too_large: { status: 413, title: "The queue takes no record as large as this" },
  unsupported_media_type: { status: 415, title: "The media type is not supported" },
  unsupported_encoding: { status: 415, title: "The content encoding is not supported" },
  malformed_encoding: { status: 400, title: "The body is not encoded as it says" },
  overloaded: { status: 503, title: "Too many bodies are waiting", retryAfterSeconds: 1 },
  queue_full: { status: 503, title: "The queue is full", retryAfterSeconds: 10 },
  queue_refused: { status: 503, title: "The queue's brokers refuse the service" },
  queue_unavailable: { status: 503, title: "The queue is away", retryAfterSeconds: 5 },
  store_unavailable: { status: 503, title: "The store is away", retryAfterSeconds: 5 },
  store_taken_over: { status: 503, title: "Another process commits to the store" },
  dedup_full: { status: 503, title: "There is no room for more ids", retryAfterSeconds: 60 },
  not_ready: { status: 503, title: "The service is not ready", retryAfterSeconds: 1 },
  other_role: { status: 421, title: "A process of another role does this" },
  unhealthy: { status: 503, title: "The numbers are not right" },
  storage_failed: { status: 503, title: "The storage failed", retryAfterSeconds: 5, hidden: true },
  link_invalid: { status: 403, title: "The link is not signed for this" },
  link_ahead: { status: 403, title: "The link is to be followed, not loaded ahead" },
  link_expired: { status: 410, title: "The link has expired" },
  internal_error: { status: 500, title: "Internal error", hidden: true },
  data_dir_locked: { status: 500, title: "Internal error", hidden: true },
  data_dir_moved: { status: 500, title: "Internal error", hidden: true },
  move_unfinished: { status: 503, title: "The store is being moved into" },
  data_format_newer: { status: 500, title: "Internal error", hidden: true },
  data_corrupt: { status: 500, title: "Internal error", hidden: true },
  invalid_configuration: { status: 500, title: "Internal error", hidden: true },
};

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly field?: string;
  readonly [detail: string]: unknown;
}

export function problemOf(error: CodedError): Problem {
  const { status, title, hidden } = problemKinds[error.code];
  const standard = {
    type: `urn:clicktally:problem:${error.code}`,
    title,
    status,
    detail: hidden ? "what happened is in the log of the service" : error.message,
    code: error.code,
    ...(error.field === undefined || hidden ? {} : { field: error.field }),
  };
  // Twice: the standard members come first, and no detail overrides one.
  return hidden ? standard : { ...standard, ...error.details, ...standard };
}

/** Answers with the problem; also where fastify or a bug made the error. */
export function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const coded = codedErrorOf(error);
  const { status, hidden, retryAfterSeconds } = problemKinds[coded.code];
  if (hidden)
    request.log.error({ err: error, method: request.method, url: request.url }, coded.message);
  if (retryAfterSeconds !== undefined) reply.header("retry-after", String(retryAfterSeconds));
  const { supported } = coded.details;
  if (coded.code === "unsupported_encoding" && Array.isArray(supported)) {
    reply.header("accept-encoding", supported.join(", "));
  }
  if (status === 405) reply.header("allow", String(coded.details["allow"]));
  return reply
    .code(status)
    .header("content-type", problemMediaType)
    .send(JSON.stringify(problemOf(coded)));
}

/** The stable code of an error of any origin. */
export function codedErrorOf(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  if (isFastifyError(error)) return fromFastify(error);
  return new CodedError("internal_error", error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}

const codesOfFastify: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [
    "body_too_large",
    "the body is larger than limits.body_bytes allows",
  ],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["unsupported_media_type", "send the body as application/json"],
  FST_ERR_CTP_INVALID_JSON_BODY: ["malformed_json", "the body is not valid JSON"],
  FST_ERR_CTP_EMPTY_JSON_BODY: ["malformed_json", "the body is empty"],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    "malformed_encoding",
    "the body is not as long as Content-Length says",
  ],
  FST_ERR_BAD_URL: ["invalid_parameter", "the path is not valid percent-encoded UTF-8"],
  FST_ERR_MAX_PARAM_LENGTH: ["invalid_parameter", "a part of the path is too long"],
};

function fromFastify(error: FastifyError): CodedError {
  if (error.validation) return parameterError(error);
  const known = codesOfFastify[error.code];
  if (known) return new CodedError(known[0], known[1], { cause: error });
  const isCallersFault =
    error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500;
  // What remains of these comes from JSON that tries to set a prototype.
  if (isCallersFault) return new CodedError("malformed_json", error.message, { cause: error });
  return new CodedError("internal_error", error.message, { cause: error });
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && ("validation" in error || "statusCode" in error);
}
