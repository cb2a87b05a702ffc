import { CodedError, type ErrorCode } from "../../src/model/errors.ts";
import type { NewRecord } from "../../src/queue/click-queue.ts";

export function newRecord(partition: number, bytes: Uint8Array, clickCount = 1): NewRecord {
  return { partition, bytes, clickCount, receivedAtMs: 1_000 };
}

/** Bytes that differ from place to place and from size to size. */
export function patternBytes(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = Math.imul(i + size, 0x9e3779b1) >>> 24;
  return bytes;
}

/** For assert.rejects: a CodedError of that code whose message matches. */
export function isCoded(code: ErrorCode, message = /./): (error: unknown) => boolean {
  return (error) =>
    error instanceof CodedError && error.code === code && message.test(error.message);
}
