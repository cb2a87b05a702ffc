import type { IncomingMessage } from "node:http";
import { CodedError } from "../model/errors.ts";
import { freeMemory } from "../runtime/free-memory.ts";
import { bodyTooLarge } from "./body-head.ts";

export interface ReadLimits {
  /** From Content-Length; undefined where the body comes in chunks. */
  readonly contentLength: number | undefined;
  readonly bytesMax: number;
  /** Told of every chunk's length before it is kept; throws to refuse it. */
  readonly onGrowth?: (bytes: number) => void;
}

/**
 * Reads a body whole into a buffer of its own (one that can be handed to another thread). CodedError
 * `body_too_large` while reading, `malformed_encoding` where the sender went away in the middle.
 */
export function readBody(
  message: IncomingMessage,
  limits: ReadLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
  const known =
    limits.contentLength === undefined ? undefined : new Uint8Array(limits.contentLength);
  const chunks: Buffer[] = [];
  let length = 0;
  const onData = (chunk: Buffer) => {
    try {
      if (length + chunk.length > limits.bytesMax) throw bodyTooLarge(limits.bytesMax);
      limits.onGrowth?.(chunk.length);
    } catch (error) {
      fail(error);
      return;
    }
    const { length: chunkLength } = chunk;
    if (known) {
      known.set(chunk, length);
      freeMemory(chunk);
    } else chunks.push(chunk);
    length += chunkLength;
  };
  const onEnd = () => {
    stop();
    resolve(known ?? joined(chunks, length));
  };
  const onClose = () =>
    fail(new CodedError("malformed_encoding", "the sender went away before the body's end"));
  const fail = (error: unknown) => {
    stop();
    reject(error);
  };
  const stop = () => {
    message.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
  };
  message.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
  if (message.readableEnded || message.destroyed) onClose();
  return promise;
}

function joined(chunks: readonly Buffer[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
    freeMemory(chunk);
  }
  return whole;
}

/** How much of a refused body is read and thrown away, so that its sender comes to read the answer. */
const discardedBytesMax = 64e6;

/** Throws away what is still to come of a refused body; a sender that goes on for too long is cut off. */
export function discardRest(message: IncomingMessage): void {
  if (message.readableEnded || message.destroyed) return;
  let length = 0;
  message.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > discardedBytesMax) message.destroy();
  });
  message.on("error", () => message.destroy());
  message.resume();
}
