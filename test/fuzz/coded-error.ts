import assert from "node:assert/strict";
import type { ErrorCode } from "../../src/model/errors.ts";
import { CodedError } from "../../src/model/errors.ts";

/** Length of a message, however long what it complains of. */
const messageLengthMax = 20_000;

/** The refusal that a decoder ended with, undefined where it took its input. Any other error is a bug. */
export function refusalOf(
  decode: () => unknown,
  codes: readonly ErrorCode[],
): CodedError | undefined {
  try {
    decode();
    return undefined;
  } catch (error) {
    return checkedRefusal(error, codes);
  }
}

export function checkedRefusal(error: unknown, codes: readonly ErrorCode[]): CodedError {
  assert.ok(error instanceof CodedError, `not a refusal: ${(error as Error).stack}`);
  assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
  assert.ok(error.field !== undefined, `names no field: ${error.message}`);
  assert.ok(error.message.length < messageLengthMax, "a message without end");
  assert.doesNotMatch(error.message, /\[native code\]|\[object /);
  return error;
}
