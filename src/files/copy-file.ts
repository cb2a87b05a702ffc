import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";

export interface FileDigest {
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface CopyOptions {
  /** The copy is given up where it is aborted; what is there of it stays. */
  readonly signal?: AbortSignal;
  /** Told of the bytes so far. */
  readonly onProgress?: (bytes: number) => void;
}

/** One read; a thread that serves others too hashes it in less than a millisecond. */
const chunkBytes = 1 << 20;
/** Written back after so much, so that a sync of somebody else's never waits for a whole copy. */
const syncBytes = 32 << 20;

/**
 * Copies what the file holds now into a new file, synced. Through a handle: closing another one would end the locks
 * that this process has on the file. Rejects where `to` exists.
 */
export async function copyOpenFile(
  source: FileHandle,
  to: string,
  options: CopyOptions = {},
): Promise<FileDigest> {
  await using target = await open(to, "wx", 0o600);
  let unsynced = 0;
  const digest = await eachChunk(source, options, async (chunk, position) => {
    await target.write(chunk, 0, chunk.length, position);
    unsynced += chunk.length;
    if (unsynced < syncBytes) return;
    await target.datasync();
    unsynced = 0;
  });
  await target.sync();
  return digest;
}

/** As copyOpenFile, for a file on which this process has no locks. */
export async function copyFileDurably(
  from: string,
  to: string,
  options: CopyOptions = {},
): Promise<FileDigest> {
  await using source = await open(from, "r");
  return await copyOpenFile(source, to, options);
}

export async function digestOf(path: string): Promise<FileDigest> {
  await using file = await open(path, "r");
  return await eachChunk(file, {}, async () => {});
}

async function eachChunk(
  file: FileHandle,
  { signal, onProgress }: CopyOptions,
  use: (chunk: Buffer, position: number) => Promise<void>,
): Promise<FileDigest> {
  const { size } = await file.stat();
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(Math.min(size, chunkBytes) || 1);
  let position = 0;
  while (position < size) {
    signal?.throwIfAborted();
    const length = Math.min(buffer.length, size - position);
    const { bytesRead } = await file.read(buffer, 0, length, position);
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    await use(chunk, position);
    position += bytesRead;
    onProgress?.(position);
  }
  return { bytes: position, sha256: hash.digest("hex") };
}
