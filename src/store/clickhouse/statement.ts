/**
 * A statement that is waited for. Silence tells nothing of it: a server may work for an hour before its first word, and one
 * that is gone says nothing either. So who waits asks beside it whether the server works on it, and waits as long as it does.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as timeout } from "node:timers/promises";

export interface StatementOptions {
  /** Whether the server has it among those that it works on; false where that can't be told. */
  readonly isWorkedOn: (id: string) => Promise<boolean>;
  /** Of one that is not worked on. */
  readonly silenceMsMax: number;
}

export class Statement {
  readonly id = randomUUID();
  private readonly options: StatementOptions;
  private readonly givenUp = new AbortController();

  constructor(options: StatementOptions) {
    this.options = options;
  }

  /** Ends the request where the statement is given up. */
  get signal(): AbortSignal {
    return this.givenUp.signal;
  }

  /** What the server says next. Rejects where there is nothing to be waited for any more. */
  async hear<T>(answer: Promise<T>): Promise<T> {
    const heard = new AbortController();
    try {
      return await Promise.race([answer, this.silence(heard.signal)]);
    } finally {
      heard.abort();
    }
  }

  private async silence(heard: AbortSignal): Promise<never> {
    const { isWorkedOn, silenceMsMax } = this.options;
    const half = (): Promise<false> => timeout(silenceMsMax / 2, false, { signal: heard });
    do await half();
    while (await this.isStillWorkedOn(isWorkedOn(this.id), half()));
    this.givenUp.abort();
    throw new Error(`no word for ${silenceMsMax} ms, and the statement is not worked on`);
  }

  /** An answer that was sent before it may come after it: who hears that it is over waits on until `end`. */
  private async isStillWorkedOn(asked: Promise<boolean>, end: Promise<false>): Promise<boolean> {
    return (await Promise.race([asked, end])) || (await end);
  }
}
