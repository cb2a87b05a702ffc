/** The messages of foreign topics as bodies for ingest: a message holds a click, or an array of clicks, as JSON. */

import type { IngestBody } from "../ingest-service.ts";

/** What of a message is looked at. */
export interface ForeignMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly value: Uint8Array;
}

export interface MessageBody {
  readonly body: IngestBody;
  /** In their order; a body of one line a message has one for each of its items. */
  readonly messages: readonly ForeignMessage[];
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const openingBracket = 0x5b;
const spaces: ReadonlySet<number> = new Set([0x20, 0x09, lineFeed, carriageReturn]);

/**
 * Clicks on a line of their own share a body for each topic; an array, or JSON over several lines, is a body of its own. A
 * message without content, as is left of one that was deleted, is no click.
 */
export function bodiesOf(messages: readonly ForeignMessage[]): MessageBody[] {
  const withContent = messages.filter(({ value }) => firstByte(value) !== undefined);
  const lines = withContent.filter(({ value }) => isLine(value));
  const byTopic = Map.groupBy(lines, ({ topic }) => topic);
  const shared = [...byTopic].map(([topic, own]) => ndjsonBody(topic, own));
  const others = withContent.filter(({ value }) => !isLine(value)).map(ownBody);
  return shared.concat(others);
}

/** In the place of one that is refused as a whole, so that the ledger has an item of it. */
export function bodyOfNoJson(source: string): IngestBody {
  return bodyOf(source, "application/x-ndjson", Buffer.from("not JSON"));
}

function ndjsonBody(topic: string, messages: readonly ForeignMessage[]): MessageBody {
  const parts = messages.flatMap(({ value }) => [value, Uint8Array.of(lineFeed)]);
  return { body: bodyOf(topic, "application/x-ndjson", Buffer.concat(parts)), messages };
}

/** Each message by itself, where what they share was refused. */
export function ownBody(message: ForeignMessage): MessageBody {
  const { topic, value } = message;
  return { body: bodyOf(topic, "application/json", value), messages: [message] };
}

function bodyOf(source: string, contentType: string, bytes: Uint8Array): IngestBody {
  return { bytes, contentType, contentEncoding: "identity", source, history: false };
}

function isLine(value: Uint8Array): boolean {
  if (firstByte(value) === openingBracket) return false;
  return !value.includes(lineFeed) && !value.includes(carriageReturn);
}

/** That is no space; undefined where there is none. */
function firstByte(value: Uint8Array): number | undefined {
  return value.find((byte) => !spaces.has(byte));
}
