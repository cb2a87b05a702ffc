import { findErrorBy } from "@platformatic/kafka";
import { isCertificateError } from "../../model/certificate-error.ts";
import { CodedError } from "../../model/errors.ts";

export function corruptRecord(partition: number, offset: number, what: string): CodedError {
  return new CodedError(
    "data_corrupt",
    `the click queue is damaged at partition ${partition}, offset ${offset}: ${what}`,
    { details: { partition, offset } },
  );
}

/** What is read from it again and again, also after an outage, must be the same log. */
export function madeAnew(topic: string): CodedError {
  return new CodedError(
    "data_corrupt",
    `topic ${topic} was deleted and made anew: what its log held is gone, and its offsets begin again`,
  );
}

/** Whether the brokers have answered with this error of the protocol. */
export function isProtocolError(error: unknown, apiId: string): boolean {
  return error instanceof Error && findErrorBy(error, "apiId", apiId) !== null;
}

/** Of what brokers say of a batch that is larger than they are set to take: they will say it again. */
export function isTooLarge(error: unknown): boolean {
  return (
    isProtocolError(error, "MESSAGE_TOO_LARGE") || isProtocolError(error, "RECORD_LIST_TOO_LARGE")
  );
}

export function tooLarge(message: string, cause?: unknown): CodedError {
  return new CodedError("record_too_large", message, { cause });
}

/** `queue_refused` where the brokers are there and it will not do to ask again. */
export function unavailable(error: unknown, what: string): CodedError {
  if (isRefusal(error))
    return new CodedError("queue_refused", `${what}: ${messageOf(error)}`, { cause: error });
  return new CodedError("queue_unavailable", `${what}: ${messageOf(error)}`, { cause: error });
}

/**
 * As `unavailable`, of what is asked of the brokers at a start: what they say no to then they will say no to again. Too few
 * brokers for the replicas may be for now.
 */
export function refusedAtStart(error: unknown, what: string): CodedError {
  const isLasting =
    error instanceof Error &&
    findErrorBy(error, "code", "PLT_KFK_PROTOCOL") !== null &&
    findErrorBy(error, "canRetry", false) !== null &&
    !isProtocolError(error, "INVALID_REPLICATION_FACTOR");
  if (!isLasting) return unavailable(error, what);
  return new CodedError("queue_refused", `${what}: ${messageOf(error)}`, { cause: error });
}

/** Who asks is not let in, or the broker's certificate is not believed. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && error.code === "PLT_KFK_AUTHENTICATION") return true;
  if (isCertificateError(error)) return true;
  if (error instanceof AggregateError && error.errors.some(isRefusal)) return true;
  return isRefusal(error.cause);
}

/** The client gathers what went wrong in errors of errors, and keeps the reason as a cause. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return [...new Set(error.errors.map(messageOf))].join("; ");
  if (!(error instanceof Error)) return String(error);
  if (error.cause === undefined) return error.message;
  return `${error.message} (${messageOf(error.cause)})`;
}
