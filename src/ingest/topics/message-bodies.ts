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

/** What ingest takes in a body. */
export interface SharedBodyLimits {
  readonly itemsMax: number;
  readonly bytesMax: number;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const openingBracket = 0x5b;
const spaces: ReadonlySet<number> = new Set([0x20, 0x09, lineFeed, carriageReturn]);
const byteOrderMark = [0xef, 0xbb, 0xbf] as const;

/**
 * Clicks on a line of their own share bodies, by topic; an array, or JSON over several lines, is a body of its own. A
 * message without content, as is left of one that was deleted, is no click.
 */
export function bodiesOf(
  messages: readonly ForeignMessage[],
  limits: SharedBodyLimits,
): MessageBody[] {
  const withContent = messages.filter(({ value }) => firstByte(value) !== undefined);
  const byTopic = Map.groupBy(
    withContent.filter(({ value }) => isLine(value)),
    ({ topic }) => topic,
  );
  const shared = [...byTopic.values()].flatMap((lines) => within(lines, limits)).map(sharedBody);
  const others = withContent.filter(({ value }) => !isLine(value)).map(ownBody);
  return shared.concat(others);
}

/** In the place of one that is refused as a whole, so that the ledger has an item of it. */
export function bodyOfNoJson(source: string): IngestBody {
  return bodyOf(source, "application/x-ndjson", Buffer.from("not JSON"));
}

/** Each message by itself, where what they share was refused. */
export function ownBody(message: ForeignMessage): MessageBody {
  const { topic, value } = message;
  return { body: bodyOf(topic, "application/json", value), messages: [message] };
}

/** In their order, each part small enough for a body; one line at least. */
function within(
  lines: readonly ForeignMessage[],
  { itemsMax, bytesMax }: SharedBodyLimits,
): readonly ForeignMessage[][] {
  const parts: ForeignMessage[][] = [];
  let bytes = 0;
  for (const line of lines) {
    const part = parts.at(-1);
    const own = line.value.length + 1;
    if (part && part.length < itemsMax && bytes + own <= bytesMax) {
      part.push(line);
      bytes += own;
    } else {
      parts.push([line]);
      bytes = own;
    }
  }
  return parts;
}

function sharedBody(lines: readonly ForeignMessage[]): MessageBody {
  const parts = lines.flatMap(({ value }) => [value, Uint8Array.of(lineFeed)]);
  const { topic } = lines[0]!;
  return { body: bodyOf(topic, "application/x-ndjson", Buffer.concat(parts)), messages: lines };
}

function bodyOf(source: string, contentType: string, bytes: Uint8Array): IngestBody {
  return { bytes, contentType, contentEncoding: "identity", source, history: false };
}

/** A line break at its end does no harm: blank lines are no items. */
function isLine(value: Uint8Array): boolean {
  if (firstByte(value) === openingBracket) return false;
  if (byteOrderMark.every((byte, i) => value[i] === byte)) return false;
  const end = value.findLastIndex((byte) => !spaces.has(byte)) + 1;
  const content = value.subarray(0, end);
  return !content.includes(lineFeed) && !content.includes(carriageReturn);
}

/** That is no space; undefined where there is none. */
function firstByte(value: Uint8Array): number | undefined {
  return value.find((byte) => !spaces.has(byte));
}
