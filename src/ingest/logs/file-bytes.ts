/** The bytes of a file's content, decompressed, from its start or from a place in it. */

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
  const handle = await openFound(file);
  return handle && new PlainBytes(handle, from);
}

/** Of the file that was found, from its start; undefined as above. */
export async function openCompressed(file: FoundFile): Promise<FileBytes | undefined> {
  const handle = await openFound(file);
  return handle && new CompressedBytes(handle, file.compression === "zstd" ? "zstd" : "gzip");
}

/** Names move from file to file while logs are rotated. */
async function openFound({ path, inode }: FoundFile): Promise<FileHandle | undefined> {
  const handle = await open(path).catch(() => undefined);
  if (!handle) return undefined;
  const { dev, ino } = await handle.stat();
  if (`${dev}:${ino}` === inode) return handle;
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

/** Of a file that is being written there is less than all, or nothing yet; then it is not whole. */
class CompressedBytes implements FileBytes {
  isWhole = false;
  private readonly stream: Readable;
  private readonly chunks: AsyncIterator<Buffer>;

  /** The handle is closed with it. */
  constructor(handle: FileHandle, compression: Exclude<Compression, "none">) {
    const decompressor =
      compression === "gzip"
        ? createGunzip({ chunkSize: chunkBytes })
        : createZstdDecompress({ chunkSize: chunkBytes });
    this.stream = new PassThrough({ highWaterMark: chunkBytes });
    pipeline(handle.createReadStream(), decompressor, this.stream as PassThrough, () => {});
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
  return file.compression === "none" ? await openPlain(file, 0) : await openCompressed(file);
}
