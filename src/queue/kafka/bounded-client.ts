/**
 * A client of the brokers whose questions end. The library gives no bound to them: its tries nest, and one of them may wait for
 * every broker in turn. What takes too long is ended by closing the client, and with it all that it has under way; the
 * next question goes to a new one, which knows nothing of sessions and leaders of before.
 */

import { systemClock } from "../../clock/system-clock.ts";
import { within } from "../../clock/within.ts";

interface Client {
  close(): Promise<void>;
}

export class BoundedClient<C extends Client> implements AsyncDisposable {
  private readonly make: () => C;
  private client: C | undefined;
  private readonly closing = new Set<Promise<void>>();
  private isDisposed = false;

  constructor(make: () => C) {
    this.make = make;
  }

  /** Rejects as the question does, or after this time. */
  async ask<T>(timeMsMax: number, question: (client: C) => Promise<T>): Promise<T> {
    if (this.isDisposed) throw new Error("the client of the brokers is closed");
    const client = (this.client ??= this.make());
    const asked = question(client).then((value) => ({ value }));
    const answer = await within(systemClock, timeMsMax, asked);
    if (answer !== undefined) return answer.value;
    this.giveUp(client);
    throw new Error(`no answer in ${timeMsMax / 1000} s`, { cause: await reasonOf(asked) });
  }

  /** Ends what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
    if (this.client) this.giveUp(this.client);
    await Promise.all(this.closing);
  }

  private giveUp(client: C): void {
    if (this.client === client) this.client = undefined;
    // A connection that can't be closed well is no loss.
    const closed = client.close().catch(() => {});
    this.closing.add(closed);
    void closed.then(() => this.closing.delete(closed));
  }
}

/** A question whose client is closed mostly ends at once, with all that its tries met. */
async function reasonOf(asked: Promise<unknown>): Promise<unknown> {
  return await within(systemClock, 0, asked).then(
    () => undefined,
    (error: unknown) => error,
  );
}
