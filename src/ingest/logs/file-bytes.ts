/** The bytes of a file's content, decompressed, from its start or from a place in it. */

import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { PassThrough, pipeline } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { Compression, FoundFile } from "./find-files.ts";

const chunkBytes = 262_144;

export interface FileBytes extends AsyncDisposable {
  /** The next ones; undefined where there are none now. Those of a file that is written to may come later. */
  read(): Promise<Buffer | undefined>;
  /** True once nothing more can come: the end of a compressed file. */
  readonly isWhole: boolean;
}

/** Of the file that was found, from a place on; undefined where another one has its name by now, or none. */
export async function openPlain(file: FoundFile, from: number): Promise<PlainBytes | undefined> {
  const handle = await open(file.path).catch(() => undefined);
  if (!handle) return undefined;
  const { dev, ino } = await handle.stat();
  if (`${dev}:${ino}` === file.inode) return new PlainBytes(handle, from);
  await handle.close();
  return undefined;
}

export class PlainBytes implements FileBytes {
  readonly isWhole = false;
  private readonly handle: FileHandle;
  private position: number;

  constructor(handle: FileHandle, position: number) {
    this.handle = handle;
    this.position = position;
  }

  /** The same file from another place on; it stays open until the first is closed. */
  from(position: number): Pick<FileBytes, "read" | "isWhole"> {
    return new PlainBytes(this.handle, position);
  }

  async read(): Promise<Buffer | undefined> {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    const { bytesRead } = await this.handle.read(buffer, 0, chunkBytes, this.position);
    this.position += bytesRead;
    return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close();
  }
}

/** From its start. What is there of a file that is being written is given; then it ends early, and is not whole. */
export class CompressedBytes implements FileBytes {
  isWhole = false;
  private readonly stream: Readable;
  private readonly chunks: AsyncIterator<Buffer>;

  constructor(path: string, compression: Exclude<Compression, "none">) {
    const decompressor =
      compression === "gzip"
        ? createGunzip({ chunkSize: chunkBytes })
        : createZstdDecompress({ chunkSize: chunkBytes });
    this.stream = new PassThrough({ highWaterMark: chunkBytes });
    pipeline(createReadStream(path), decompressor, this.stream as PassThrough, () => {});
    this.chunks = this.stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async read(): Promise<Buffer | undefined> {
    try {
      const next = await this.chunks.next();
      if (!next.done) return next.value;
      this.isWhole = true;
    } catch {
      // It ends early, or is none; who asks again begins at the start.
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stream.destroy();
  }
}

/** From the start; undefined where it is not there any more. */
export async function openFromStart(file: FoundFile): Promise<FileBytes | undefined> {
  if (file.compression === "none") return await openPlain(file, 0);
  return new CompressedBytes(file.path, file.compression);
}
