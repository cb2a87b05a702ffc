import { crc32 } from "node:zlib";

const head = new Float64Array(5);
const headBytes = new Uint8Array(head.buffer);

/** CRC-32 of a record and of its place, so that a record which turns up elsewhere is noticed as well. */
export function recordChecksum(
  partition: number,
  offset: number,
  clickCount: number,
  clicksEnd: number,
  receivedAtMs: number,
  bytes: Uint8Array,
): number {
  head[0] = partition;
  head[1] = offset;
  head[2] = clickCount;
  head[3] = clicksEnd;
  head[4] = receivedAtMs;
  return crc32(bytes, crc32(headBytes));
}
