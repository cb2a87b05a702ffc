import type { Log } from "../logging/log.ts";

/** What a thread tells an operator: see threads/told.ts. */
export function toldTo(log: Log): (level: "info" | "warn", what: string, error?: string) => void {
  return (level, what, error) => log[level](error === undefined ? what : `${what}: ${error}`);
}
