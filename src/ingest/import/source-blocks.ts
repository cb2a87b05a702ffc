import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { PassThrough } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { openParquet } from "./parquet-csv.ts";

export type FileFormat = "ndjson" | "csv" | "parquet";

export const fileFormats = ["ndjson", "csv", "parquet"] as const satisfies readonly FileFormat[];

/** The bytes of a file's rows, as NDJSON or CSV. */
export interface SourceBlocks {
  readonly syntax: "ndjson" | "csv";
  /** How much there is in all, in `unit`s. */
  readonly total: number;
  readonly unit: "bytes" | "rows";
  /** How many bytes of the file were read so far; undefined where rows are the unit. */
  bytesRead(): number;
  readonly blocks: AsyncIterable<Uint8Array>;
}

const blockBytes = 2 * 1_048_576;

/** By the name's ending, `.gz` and `.zst` left out; undefined where it says nothing. */
export function formatOfName(path: string): FileFormat | undefined {
  const extension = /\.([a-z0-9]+)(?:\.(?:gz|zst))?$/i.exec(path)?.[1]?.toLowerCase();
  if (extension === "ndjson" || extension === "jsonl" || extension === "json") return "ndjson";
  if (extension === "csv") return "csv";
  return extension === "parquet" ? "parquet" : undefined;
}

export async function openSource(path: string, format: FileFormat): Promise<SourceBlocks> {
  if (format === "parquet") return openParquet(path);
  const { size } = await stat(path);
  const file = createReadStream(path, { highWaterMark: blockBytes });
  const bytesRead = (): number => file.bytesRead;
  const decompressor = path.endsWith(".gz")
    ? createGunzip({ chunkSize: blockBytes })
    : path.endsWith(".zst")
      ? createZstdDecompress({ chunkSize: blockBytes })
      : undefined;
  if (decompressor === undefined)
    return { syntax: format, total: size, unit: "bytes", bytesRead, blocks: file };
  const output = new PassThrough({ highWaterMark: blockBytes });
  // A failure destroys the output with it, and so reaches whoever reads.
  pipeline(file, decompressor, output).catch((error: Error) => output.destroy(error));
  return { syntax: format, total: size, unit: "bytes", bytesRead, blocks: output };
}
