/**
 * A record of the log as a Kafka message: its bytes are the value, and one header tells what accounting needs to know of
 * it without decoding them. Little-endian.
 *
 *   clicktally = u32 clickCount, u32 crc32 of the value, f64 receivedAtMs by the writer's clock, which is for people,
 *                u16 spread where it is above 1: by another the clicks would lie in other partitions
 *
 * The client reads the checksums of Kafka's own batches and compares nothing, hence one of ours.
 */

import { crc32 } from "node:zlib";
import { CodedError } from "../../model/errors.ts";
import type { NewRecord, StoredRecord } from "../click-queue.ts";
import { corruptRecord } from "./failures.ts";

const headerName = Buffer.from("clicktally");
const headerBytes = 16;
const spreadBytes = 2;

export interface MessageForm {
  readonly value: Buffer;
  readonly headers: Map<Buffer, Buffer>;
}

/** What the client hands out of a message that it has fetched. */
export interface FetchedMessage {
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
}

export interface FetchedRecord extends StoredRecord {
  readonly receivedAtMs: number;
}

export function messageOf(
  { bytes, clickCount, receivedAtMs }: NewRecord,
  spread: number,
): MessageForm {
  const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = Buffer.alloc(spread === 1 ? headerBytes : headerBytes + spreadBytes);
  header.writeUInt32LE(clickCount, 0);
  header.writeUInt32LE(crc32(value), 4);
  header.writeDoubleLE(receivedAtMs, 8);
  if (spread !== 1) header.writeUInt16LE(spread, headerBytes);
  return { value, headers: new Map([[headerName, header]]) };
}

/** Where a message lies, and when it was appended. */
export interface MessagePlace {
  readonly partition: number;
  readonly offset: number;
  readonly receivedAtMs: number;
}

/**
 * CodedError `data_corrupt` where it is damaged, or none of ours; `invalid_configuration` where its clicks were dealt by
 * another spread.
 */
export function recordOf(
  message: FetchedMessage,
  place: MessagePlace,
  spread: number,
): FetchedRecord {
  const { partition, offset, receivedAtMs } = place;
  const header = headerOf(message, place);
  const bytes = message.value ?? Buffer.alloc(0);
  if (crc32(bytes) !== header.readUInt32LE(4))
    throw corruptRecord(partition, offset, "its checksum does not match");
  const found = header.length === headerBytes ? 1 : header.readUInt16LE(headerBytes);
  if (found !== spread)
    throw new CodedError(
      "invalid_configuration",
      `the clicks of the topic are dealt with a spread of ${found}, the settings say ${spread}`,
      { field: "queue.spread" },
    );
  return {
    offset,
    // Of its own: what was fetched together is not kept for one of its records.
    bytes: Uint8Array.from(bytes),
    clickCount: header.readUInt32LE(0),
    receivedAtMs,
  };
}

/** As `recordOf` tells it, with its bytes left alone. */
export function clickCountOf(message: FetchedMessage, place: MessagePlace): number {
  return headerOf(message, place).readUInt32LE(0);
}

function headerOf({ headers }: FetchedMessage, { partition, offset }: MessagePlace): Buffer {
  const header = headers.find(([name]) => name?.equals(headerName))?.[1];
  if (header?.length === headerBytes || header?.length === headerBytes + spreadBytes) return header;
  throw corruptRecord(partition, offset, "the message was not written by clicktally");
}
