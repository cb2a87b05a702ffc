/**
 * What a checkpoint overwrites, kept until it is through.
 *
 * DuckDB keeps its metadata in pieces of 4 KB, 64 to a block. A checkpoint writes new pieces into the free places of
 * blocks that the checkpoint before it refers to, and each such block is written anew as a whole, where it is, under one
 * checksum. A process killed in the middle of such a write, or a loss of power, leaves a block whose checksum fails, and
 * with it the last checkpoint. (DuckDB 1.5: MetadataManager::AllocateHandle and Flush; rows are never written in place.)
 *
 * So those blocks are copied to a file of their own before a checkpoint begins, and a block found torn is put back, as
 * long as the database's headers are those of the copy: then no checkpoint has finished since.
 */

import { existsSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open, readFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { writeFileDurably } from "../../files/durable-file.ts";
import type { Connection } from "./connection.ts";

/** Of every block of the databases that this release makes, with its checksum of 8 bytes in front. */
export const blockBytes = 262_144;
const checksumBytes = 8;
/** A main header, then two that take turns: the one with the higher number is in force. */
const headersAt = 4_096;
const headersBytes = 2 * 4_096;
const blocksAt = headersAt + headersBytes;

const magic = Buffer.from("CTUNDO1\0");
const checksumAt = magic.length;
const countAt = checksumAt + 4;
const copiedHeadersAt = countAt + 4;
const idsAt = copiedHeadersAt + headersBytes;
const idBytes = 8;

export interface CopiedBlock {
  readonly id: number;
  readonly bytes: Buffer;
}

export interface UndoCopy {
  readonly headers: Buffer;
  readonly blocks: readonly CopiedBlock[];
}

export const undoPathOf = (path: string): string => `${path}.undo`;

/** Of an open database. Its file must not be closed before DuckDB closes it: that would end DuckDB's lock. */
export class CheckpointUndo implements AsyncDisposable {
  readonly file: FileHandle;
  private readonly path: string;
  /** Of the newest copy. */
  private headers: Buffer | undefined;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.file = file;
  }

  static async open(path: string): Promise<CheckpointUndo> {
    return new CheckpointUndo(path, await open(path, "r"));
  }

  /** The next checkpoint can be undone once this has resolved. No checkpoint may run meanwhile. */
  async prepare(connection: Connection): Promise<void> {
    const headers = await this.readHeaders();
    if (this.headers?.equals(headers)) return;
    // Full blocks are left alone by the next checkpoint: what it frees is free for the one after it.
    const rows = await connection.rows(
      "SELECT block_id FROM pragma_metadata_info() WHERE free_blocks > 0 ORDER BY block_id",
    );
    const blocks: CopiedBlock[] = [];
    for (const [id] of rows) {
      const bytes = await readBlock(this.file, Number(id));
      // A checkpoint that failed may have made blocks that are nowhere yet.
      if (bytes.length === blockBytes) blocks.push({ id: Number(id), bytes });
    }
    await writeFileDurably(undoPathOf(this.path), encodeUndo({ headers, blocks }));
    this.headers = headers;
  }

  /** They change with each checkpoint, and with nothing else. */
  readHeaders(): Promise<Buffer> {
    return readBytes(this.file, headersAt, headersBytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file.close();
  }
}

/** Blocks that a checkpoint left torn, as they were before it; none where a checkpoint has finished since. */
export async function tornBlocks(path: string): Promise<CopiedBlock[]> {
  if (!existsSync(path) || !existsSync(undoPathOf(path))) return [];
  const copy = decodeUndo(await readFile(undoPathOf(path)));
  if (!copy) return [];
  await using file = await open(path, "r");
  const headers = await readBytes(file, headersAt, headersBytes);
  if (!headers.equals(copy.headers)) return [];
  const torn: CopiedBlock[] = [];
  for (const block of copy.blocks) {
    const found = await readBlock(file, block.id);
    if (!found.equals(block.bytes) && !isWholeBlock(found)) torn.push(block);
  }
  return torn;
}

/** Safe to repeat. */
export async function putBack(path: string, blocks: readonly CopiedBlock[]): Promise<void> {
  await using file = await open(path, "r+");
  for (const { id, bytes } of blocks) {
    await file.write(bytes, 0, blockBytes, blocksAt + id * blockBytes);
  }
  await file.sync();
}

/** Whether a block's checksum holds: 5381 and each of its 8-byte words times a constant, all combined by exclusive or. */
export function isWholeBlock(block: Buffer): boolean {
  if (block.length !== blockBytes) return false;
  // A copy lies at a multiple of 8, which the slice of a pool may not.
  const words = new BigUint64Array(Uint8Array.from(block).buffer);
  let checksum = 5_381n;
  for (let i = checksumBytes / 8; i < words.length; i++) {
    checksum ^= BigInt.asUintN(64, words[i]! * 0xbf58476d1ce4e5b9n);
  }
  return words[0] === checksum;
}

export function encodeUndo({ headers, blocks }: UndoCopy): Buffer {
  const head = Buffer.alloc(idsAt + idBytes * blocks.length);
  magic.copy(head);
  head.writeUInt32LE(blocks.length, countAt);
  headers.copy(head, copiedHeadersAt);
  for (const [i, { id }] of blocks.entries()) {
    head.writeBigUInt64LE(BigInt(id), idsAt + idBytes * i);
  }
  const whole = Buffer.concat([head, ...blocks.map(({ bytes }) => bytes)]);
  whole.writeUInt32LE(crc32(whole.subarray(countAt)), checksumAt);
  return whole;
}

/** Undefined for what is no whole copy. */
export function decodeUndo(file: Buffer): UndoCopy | undefined {
  if (file.length < idsAt || !file.subarray(0, magic.length).equals(magic)) return undefined;
  if (file.readUInt32LE(checksumAt) !== crc32(file.subarray(countAt))) return undefined;
  const count = file.readUInt32LE(countAt);
  if (file.length !== idsAt + count * (idBytes + blockBytes)) return undefined;
  const blocks = Array.from({ length: count }, (_, i) => {
    const at = idsAt + count * idBytes + i * blockBytes;
    return {
      id: Number(file.readBigUInt64LE(idsAt + idBytes * i)),
      bytes: file.subarray(at, at + blockBytes),
    };
  });
  return { headers: file.subarray(copiedHeadersAt, idsAt), blocks };
}

function readBlock(file: FileHandle, id: number): Promise<Buffer> {
  return readBytes(file, blocksAt + id * blockBytes, blockBytes);
}

/** Fewer at the end of the file. */
async function readBytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
