/** Cuts the bytes of a file into lines, each with its place and its running hash; of a line too long only those are kept. */

import type { Hash } from "node:crypto";
import { beginLineHash, hashOfLine } from "./line-identity.ts";

/** A longer line is no click; what is held of a file is never more. */
export const lineBytesMax = 65_536;

const lineFeed = 0x0a;

export interface LogLine {
  /** From 1. */
  readonly number: number;
  /** Where it begins and the next one does, in bytes of the file's content. */
  readonly start: number;
  readonly end: number;
  /** Without the LF; undefined where there are too many. */
  readonly bytes: Buffer | undefined;
  readonly hash: Buffer;
}

export interface LinePlace {
  readonly bytes: number;
  readonly lines: number;
  /** Of the last line before, or of the start. */
  readonly hash: Buffer;
}

export class LineCutter {
  private offset: number;
  private lines: number;
  private hash: Buffer;
  /** What came of a line whose end has not come yet. */
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  /** Of a line that is too long already. */
  private longHash: Hash | undefined;

  constructor(from: LinePlace) {
    this.offset = from.bytes;
    this.lines = from.lines;
    this.hash = from.hash;
  }

  /** Where the next line begins. */
  get place(): LinePlace {
    return { bytes: this.offset, lines: this.lines, hash: this.hash };
  }

  /** True where bytes of a line have come, and not its end. */
  get isWithinLine(): boolean {
    return this.pendingBytes > 0;
  }

  *push(chunk: Buffer): Generator<LogLine> {
    let at = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, at)) {
      yield this.endLine(chunk.subarray(at, end), 1);
      at = end + 1;
    }
    // A copy: the rest of a chunk is not to be kept for a few bytes.
    if (at < chunk.length) this.hold(Buffer.from(chunk.subarray(at)));
  }

  /** The last line of a file that nothing will be added to, where it has no line end. */
  *finish(): Generator<LogLine> {
    if (this.pendingBytes > 0) yield this.endLine(Buffer.alloc(0), 0);
  }

  private hold(bytes: Buffer): void {
    this.pendingBytes += bytes.length;
    if (this.longHash) {
      this.longHash.update(bytes);
      return;
    }
    this.pending.push(bytes);
    if (this.pendingBytes <= lineBytesMax) return;
    this.longHash = beginLineHash(this.hash);
    for (const part of this.pending) this.longHash.update(part);
    this.pending = [];
  }

  private endLine(last: Buffer, lineEndBytes: number): LogLine {
    const length = this.pendingBytes + last.length;
    const start = this.offset;
    let bytes: Buffer | undefined;
    if (this.longHash) {
      this.hash = this.longHash.update(last).digest();
    } else {
      bytes = this.pending.length === 0 ? last : Buffer.concat([...this.pending, last]);
      this.hash = hashOfLine(this.hash, bytes);
      if (length > lineBytesMax) bytes = undefined;
    }
    this.offset += length + lineEndBytes;
    this.lines++;
    this.pending = [];
    this.pendingBytes = 0;
    this.longHash = undefined;
    return { number: this.lines, start, end: this.offset, bytes, hash: this.hash };
  }
}
