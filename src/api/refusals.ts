/** What happens with requests, told in one line for many: who sends ten thousand wrong ones a second fills no disk. */

import type { ErrorCode } from "../model/errors.ts";
import type { Log } from "../logging/log.ts";

const everyMsDefault = 60_000;

/** How it is told. */
export interface Told {
  readonly level: "info" | "warn";
  readonly member: string;
  readonly message: string;
}

const refused: Told = { level: "info", member: "refused", message: "requests were refused" };

export class Refusals implements Disposable {
  private readonly log: Log;
  private readonly told: Told;
  private readonly everyMs: number;
  private readonly counts = new Map<ErrorCode, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(log: Log, everyMs = everyMsDefault, told = refused) {
    this.log = log;
    this.told = told;
    this.everyMs = everyMs;
  }

  /** Told with all others, so long after the first of them. */
  note(code: ErrorCode): void {
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
    this.timer ??= setTimeout(() => this.tell(), this.everyMs).unref();
  }

  /** Tells what is left. */
  [Symbol.dispose](): void {
    this.tell();
  }

  private tell(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.counts.size === 0) return;
    const { level, member, message } = this.told;
    const counts = Object.fromEntries(this.counts);
    this.counts.clear();
    this.log[level]({ [member]: counts }, message);
  }
}
