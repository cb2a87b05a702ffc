/**
 * What a line of a log is known by: a running hash of the source and of all lines of the file up to and with it.
 *
 *   start = SHA-256("clicktally line 1", 0, source)     UTF-8
 *   next  = SHA-256(before, line)                       32 bytes, and the line without its LF
 *   own   = its hash; where its file is not the first that begins so up to it, SHA-256(its hash, u32 occurrence)   little-endian
 *   event id of a line = the first 128 bits of `own`, as a UUID of version 8
 *
 * So a file is the same file under any name, as any inode, compressed or not; and equal lines are different clicks, since
 * what stands before them differs. `occurrence` tells the lines apart that files begin with in common: how many such files had come
 * before. Behind them it is 0, so that a line has its id whichever file it is taken to stand in. The ids are stored: another
 * encoding would count old lines again.
 */

import type { Hash } from "node:crypto";
import { createHash, hash } from "node:crypto";

const lineHashBytes = 32;

const startMark = Buffer.from("clicktally line 1\0");

export function hashOfStart(source: string): Buffer {
  return hash("sha256", Buffer.concat([startMark, Buffer.from(source)]), "buffer");
}

const joined = Buffer.alloc(lineHashBytes + 4_096);

export function hashOfLine(before: Uint8Array, line: Uint8Array): Buffer {
  const length = lineHashBytes + line.length;
  if (length > joined.length) return hash("sha256", Buffer.concat([before, line]), "buffer");
  joined.set(before);
  joined.set(line, lineHashBytes);
  return hash("sha256", joined.subarray(0, length), "buffer");
}

/** The same for a line that comes in parts, since it is too long to be held. */
export function beginLineHash(before: Uint8Array): Hash {
  return createHash("sha256").update(before);
}

export function eventIdOf(lineHash: Uint8Array, occurrence: number): string {
  const own = occurrence === 0 ? lineHash : hashOfOccurrence(lineHash, occurrence);
  const bytes = Buffer.from(own.subarray(0, 16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function hashOfOccurrence(lineHash: Uint8Array, occurrence: number): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(occurrence);
  return hash("sha256", Buffer.concat([lineHash, number]), "buffer");
}
