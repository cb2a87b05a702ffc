/** Undoes the content encoding of a body, within a limit: a small body must not become a huge one. */

import { constants, gunzipSync, zstdDecompressSync } from "node:zlib";

import { CodedError } from "../model/errors.ts";

const contentEncodings = ["identity", "gzip", "zstd"] as const;

/** Frames of one zstd body; each costs a decoder of its own. */
const zstdFramesMax = 1024;

/** Windows above 8 MiB are not for HTTP (RFC 9659), and would let a body ask for memory that its content does not need. */
const zstdWindowLogMax = 23;

const chunkBytes = 64 * 1024;

/**
 * The content of a body. Throws `unsupported_encoding`, `malformed_encoding` where the stream is broken, cut off or
 * followed by something else, and `body_too_large` where it holds more than `bytesMax`; no more than about that is
 * ever allocated. The result views `bytes` where nothing was to undo.
 */
export function decompress(
  bytes: Uint8Array,
  contentEncoding: string,
  bytesMax: number,
): Uint8Array {
  switch (contentEncoding.toLowerCase()) {
    case "":
    case "identity":
      if (bytes.length > bytesMax) throw tooLarge(bytesMax);
      return bytes;
    case "gzip":
    case "x-gzip":
      return gunzip(bytes, bytesMax);
    case "zstd":
      return unzstd(bytes, bytesMax);
    default:
      throw new CodedError(
        "unsupported_encoding",
        `content encoding ${JSON.stringify(contentEncoding)} is not supported; use ${contentEncodings.join(", ")}`,
        { details: { supported: contentEncodings } },
      );
  }
}

interface Decompressed {
  readonly content: Uint8Array;
  /** Bytes of the stream that were read. */
  readonly consumed: number;
}

/** What the synchronous functions of node:zlib answer under `info: true`. */
interface InfoResult {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

function gunzip(bytes: Uint8Array, bytesMax: number): Uint8Array {
  const { content, consumed } = attempt("gzip", bytesMax, () =>
    gunzipSync(bytes, { maxOutputLength: outputMax(bytesMax), chunkSize: chunkBytes, info: true }),
  );
  if (consumed !== bytes.length) throw trailing("gzip", bytes.length - consumed);
  if (content.length > bytesMax) throw tooLarge(bytesMax);
  return content;
}

/** Node decodes one frame at a time; a body may hold several. */
function unzstd(bytes: Uint8Array, bytesMax: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  let at = 0;
  do {
    if (parts.length === zstdFramesMax) {
      throw new CodedError(
        "malformed_encoding",
        `the zstd body has more than ${zstdFramesMax} frames`,
      );
    }
    const rest = bytes.subarray(at);
    const { content, consumed } = attempt("zstd", bytesMax, () =>
      zstdDecompressSync(rest, {
        maxOutputLength: outputMax(bytesMax - length),
        chunkSize: chunkBytes,
        params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLogMax },
        info: true,
      }),
    );
    parts.push(content);
    length += content.length;
    at += consumed;
    if (length > bytesMax) throw tooLarge(bytesMax);
    if (consumed === 0) throw trailing("zstd", bytes.length - at);
  } while (at < bytes.length);
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, length);
}

/** The limit must be positive for zlib even where nothing more may come. */
function outputMax(bytesMax: number): number {
  return Math.max(bytesMax, 1);
}

function attempt(name: string, bytesMax: number, run: () => unknown): Decompressed {
  try {
    // The type declarations do not know `info`.
    const { buffer, engine } = run() as InfoResult;
    return { content: buffer, consumed: engine.bytesWritten };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(bytesMax);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError("malformed_encoding", `the body is no whole ${name} stream: ${why}`, {
      cause,
    });
  }
}

function trailing(name: string, count: number): CodedError {
  return new CodedError("malformed_encoding", `${count} bytes after the end of the ${name} stream`);
}

function tooLarge(bytesMax: number): CodedError {
  return new CodedError(
    "body_too_large",
    `the body holds more than ${bytesMax} bytes; send it in parts`,
    {
      details: { bytes_max: bytesMax },
    },
  );
}
