/**
 * What Node 22 lacks of what this code uses, and what it says without need. Imported first by whatever begins a process or a
 * thread; where Node is newer it changes nothing.
 */

import type { WorkerOptions } from "node:worker_threads";
import {
  OwnAsyncDisposableStack,
  OwnDisposableStack,
  OwnSuppressedError,
} from "./disposable-stacks.ts";

const own = {
  DisposableStack: OwnDisposableStack,
  AsyncDisposableStack: OwnAsyncDisposableStack,
  SuppressedError: OwnSuppressedError,
};
for (const [name, value] of Object.entries(own)) {
  if (name in globalThis) continue;
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}

/** Node 22 calls its SQLite and its glob experimental; Node 24, which does not, has the same of what is used here. */
const warnsOfSqlite = process.versions.node.startsWith("22.");
if (warnsOfSqlite) {
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]): void => {
    if (!/^(?:SQLite|glob) is an experimental feature/.test(String(args[0]))) emitWarning(...args);
  };
}

/** A thread loads SQLite with its first file, before any of its code could hold the warning back. */
export const threadOptions: WorkerOptions = warnsOfSqlite
  ? { execArgv: ["--disable-warning=ExperimentalWarning"] }
  : {};
