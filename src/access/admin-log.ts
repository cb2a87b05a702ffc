/**
 * What was done to a service that changes what it tells, or who may ask it: a line of JSON each, in a file that is only ever
 * added to. It says who, what and how that ended, and nothing of what clicks say.
 */

import { appendFile } from "node:fs/promises";
import type { Log } from "../logging/log.ts";

/** Name of the file in a data directory. */
export const adminLogName = "admin.log";

export interface AdminAction {
  /** The name of the key; `open` where none was needed; who used the shell. */
  readonly who: string;
  /** The operationId of the API, or the command. */
  readonly action: string;
  readonly [fact: string]: unknown;
}

export class AdminLog {
  private readonly path: string | undefined;
  private readonly log: Log;
  private writing: Promise<void> = Promise.resolve();

  /** `path`: undefined where the process keeps nothing; then the service's own log alone tells. */
  constructor(path: string | undefined, log: Log) {
    this.path = path;
    this.log = log;
  }

  /** `address`: of who asked; in the file alone. What can't be written is told in the service's log. */
  note(action: AdminAction, address: string): void {
    this.log.info({ event: "admin", ...action }, "an admin action");
    const { path } = this;
    if (path === undefined) return;
    this.writing = this.writing
      .then(() => appendAdminAction(path, { ...action, address }))
      .catch((error: unknown) => this.log.error({ err: error }, `${path} can't be written`));
  }

  /** Resolves when everything that was noted is written. */
  async written(): Promise<void> {
    await this.writing;
  }
}

/** Opened anew each time, so that it may be moved away and begins again. */
export async function appendAdminAction(path: string, action: AdminAction): Promise<void> {
  const line = JSON.stringify({ time: new Date().toISOString(), event: "admin", ...action });
  await appendFile(path, `${line}\n`, { mode: 0o600 });
}
