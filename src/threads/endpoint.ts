/**
 * Calls between threads: each side of a MessagePort has methods that the other may call. Errors keep their code
 * and field over the border; everything else is structured clone.
 */

import type { MessagePort, Transferable, Worker } from "node:worker_threads";
import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";

type Methods = Readonly<Record<string, (...args: never[]) => unknown>>;

interface Request {
  readonly method: string;
  readonly args: readonly unknown[];
  /** Absent where nobody waits for an answer. */
  readonly id?: number;
}

interface SentError {
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: ErrorCode | undefined;
  readonly field: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
}

type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: SentError };

/** What can be called on the other side. */
export interface Remote {
  call<T>(method: string, args: readonly unknown[], transfer?: readonly Transferable[]): Promise<T>;
  /** Calls without an answer. */
  post(method: string, args: readonly unknown[]): void;
  /** Rejects every call in progress and all later ones. */
  close(reason: Error): void;
}

export function connect(port: MessagePort | Worker, methods: Methods): Remote {
  const waiting = new Map<
    number,
    { resolve: (value: never) => void; reject: (error: Error) => void }
  >();
  let lastId = 0;
  let closedBy: Error | undefined;

  port.on("message", (message: Request | Answer) => {
    if ("method" in message) {
      void answer(port, methods, message);
      return;
    }
    const caller = waiting.get(message.id);
    waiting.delete(message.id);
    if ("error" in message) caller?.reject(receivedError(message.error));
    else caller?.resolve(message.value as never);
  });

  const close = (reason: Error): void => {
    if (closedBy) return;
    closedBy = reason;
    for (const { reject } of waiting.values()) reject(reason);
    waiting.clear();
  };
  // A port closes when the thread on its other side ends. (A Worker has no such event; it exits.)
  port.on("close", () => close(new Error("the thread on the other side has ended")));

  return {
    call: (method, args, transfer) =>
      new Promise((resolve, reject) => {
        if (closedBy) {
          reject(closedBy);
          return;
        }
        const id = ++lastId;
        port.postMessage({ id, method, args } satisfies Request, transfer ?? []);
        // After what may throw; an answer comes later.
        waiting.set(id, { resolve, reject });
      }),
    post: (method, args) => port.postMessage({ method, args } satisfies Request),
    close,
  };
}

async function answer(
  port: MessagePort | Worker,
  methods: Methods,
  request: Request,
): Promise<void> {
  const { id, method, args } = request;
  try {
    const value = await methods[method]!(...(args as never[]));
    if (id !== undefined) port.postMessage({ id, value } satisfies Answer);
  } catch (error) {
    if (id === undefined) throw error;
    port.postMessage({ id, error: sentError(error) } satisfies Answer);
  }
}

function sentError(error: unknown): SentError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const coded = error instanceof CodedError ? error : undefined;
  return { message, stack, code: coded?.code, field: coded?.field, details: coded?.details ?? {} };
}

function receivedError({ message, stack, code, field, details }: SentError): Error {
  const error =
    code === undefined
      ? new Error(message)
      : new CodedError(code, message, field === undefined ? { details } : { field, details });
  if (stack !== undefined) error.stack = stack;
  return error;
}
