/** Lines on their way to ingest: in bodies so small that each error is told, until they are taken. */

import type { Clock } from "../../clock/clock.ts";
import { pause } from "../../clock/clock.ts";
import type { ErrorCode } from "../../model/errors.ts";
import { CodedError } from "../../model/errors.ts";

/** Takes NDJSON in; resolves once the accepted clicks are durable. CodedError where it refuses the body as a whole. */
export type TakeClicks = (body: Buffer) => Promise<{
  readonly accepted: number;
  readonly errors: readonly {
    readonly index: number;
    readonly code: string;
    readonly message: string;
  }[];
}>;

export interface SendOptions {
  readonly clock: Clock;
  readonly take: TakeClicks;
  readonly signal: AbortSignal;
  /** Undefined once it goes on again. */
  readonly onWait: (reason: string | undefined) => void;
}

export interface SentLines {
  readonly accepted: number;
  /** By the index of the item. */
  readonly problems: ReadonlyMap<number, string>;
}

/** As many errors as an answer lists. */
const bodyItemsMax = 100;
const bodyBytesMax = 1_048_576;
const bodiesInFlightMax = 8;
const againAfterMs = 500;
const againAfterMsMax = 2_000;

/** What is too much for one body. */
const largeCodes: ReadonlySet<ErrorCode> = new Set([
  "body_too_large",
  "batch_too_large",
  "record_too_large",
]);
/** Counted in the ledger in the place of one that can't be sent. */
const noClick = Buffer.from("not JSON");
const lineFeed = Buffer.from("\n");

/** Rejects where it is stopped before everything is taken; then nobody knows what was. */
export async function sendLines(
  items: readonly Buffer[],
  options: SendOptions,
): Promise<SentLines> {
  const bodies = bodiesOf(items);
  const problems = new Map<number, string>();
  let accepted = 0;
  const send = async (body: Body): Promise<void> => {
    const answer = await untilTaken(body.items, options);
    if (answer === "too large") {
      if (body.items.length === 1) {
        problems.set(body.first, "the click is larger than what is taken at a time");
        await untilTaken([noClick], options);
        return;
      }
      for (const half of halves(body)) await send(half);
      return;
    }
    accepted += answer.accepted;
    for (const { index, code, message } of answer.errors)
      problems.set(body.first + index, `${code}: ${message}`);
  };
  let next = 0;
  const sendAll = async (): Promise<void> => {
    for (let body = bodies[next++]; body; body = bodies[next++]) await send(body);
  };
  await Promise.all(Array.from({ length: bodiesInFlightMax }, sendAll));
  return { accepted, problems };
}

interface Body {
  /** Index of its first item. */
  readonly first: number;
  readonly items: readonly Buffer[];
}

function bodiesOf(items: readonly Buffer[]): Body[] {
  const bodies: { first: number; items: Buffer[] }[] = [];
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    const body = bodies.at(-1);
    if (body && body.items.length < bodyItemsMax && bytes + item.length <= bodyBytesMax) {
      body.items.push(item);
      bytes += item.length;
    } else {
      bodies.push({ first: index, items: [item] });
      bytes = item.length;
    }
  }
  return bodies;
}

function halves({ first, items }: Body): Body[] {
  const half = items.length >> 1;
  return [
    { first, items: items.slice(0, half) },
    { first: first + half, items: items.slice(half) },
  ];
}

async function untilTaken(
  items: readonly Buffer[],
  { clock, take, signal, onWait }: SendOptions,
): Promise<Awaited<ReturnType<TakeClicks>> | "too large"> {
  const body = Buffer.concat(items.flatMap((item) => [item, lineFeed]));
  for (let waitMs = againAfterMs; ; waitMs = Math.min(againAfterMsMax, waitMs * 2)) {
    signal.throwIfAborted();
    try {
      const answer = await take(body);
      onWait(undefined);
      return answer;
    } catch (error) {
      if (error instanceof CodedError && largeCodes.has(error.code)) return "too large";
      // Whatever it is: what is not taken stays where it is, and waits.
      onWait(error instanceof Error ? error.message : String(error));
    }
    await pause(clock, waitMs, signal);
  }
}
