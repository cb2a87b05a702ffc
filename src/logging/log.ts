/**
 * What an operator is told on standard error: a line an event, as JSON for programs and as plain text on a terminal. It never holds
 * what a click says, whose it is or where a request came from.
 */

import { pino, stdTimeFunctions } from "pino";
import type { Logger } from "pino";
import { plainLine } from "./plain-line.ts";

export type Log = Logger;
export type LogLevel = "error" | "warn" | "info" | "debug" | "silent";

export interface LogOptions {
  readonly level: LogLevel;
  /** In every line for programs. */
  readonly role: string;
  /** Has a default. */
  readonly output?: NodeJS.WriteStream;
}

export function openLog({ level, role, output = process.stderr }: LogOptions): Log {
  const options = {
    level,
    base: { pid: process.pid, role },
    timestamp: stdTimeFunctions.isoTime,
  } as const;
  const plain = { write: (line: string) => output.write(plainLine(line)) };
  return pino(options, output.isTTY ? plain : output);
}

/** For those who are told nothing. */
export function silentLog(): Log {
  return pino({ level: "silent" });
}
