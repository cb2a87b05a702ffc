/** Which files there are: those that the patterns name, and beside them what they were rotated into. */

import { glob, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export interface FoundFile {
  readonly path: string;
  /** `device:inode`. */
  readonly inode: string;
  /** On the disk. */
  readonly size: number;
  readonly mtimeMs: number;
  readonly compression: Compression;
  /** By its name. */
  readonly isRotated: boolean;
}

export type Compression = "none" | "gzip" | "zstd";

/** Of a source; more are an error of its patterns. */
const filesMax = 10_000;

/** `.1`, `.2.gz`, `-20260131`, `-20260131-1700000000.zst`, `.2026-01-31` behind the name of a log. */
const rotation = /(?:[.-]\d[\d.-]*)?(?:\.(?:gz|zst))?$/;

/** The oldest first, and logs that are written to last. Throws a RangeError where there are too many. */
export async function findFiles(patterns: readonly string[]): Promise<FoundFile[]> {
  const named = new Set<string>();
  for await (const path of glob([...patterns])) {
    named.add(path);
    if (named.size > filesMax) throw tooMany();
  }
  const paths = new Set(named);
  // Also those of logs that are not there at this moment: their patterns name them.
  const logs = new Set([...named, ...patterns.filter(isPlain)].map(nameOfLog));
  const byDirectory = Map.groupBy(logs, dirname);
  for (const [directory, own] of byDirectory) {
    for (const entry of await entriesOf(directory)) {
      const path = join(directory, entry);
      if (own.includes(nameOfLog(path))) paths.add(path);
    }
  }
  if (paths.size > filesMax) throw tooMany();
  const found = await Promise.all([...paths].map(look));
  return found.filter((file) => file !== undefined).toSorted(byAge);
}

function tooMany(): RangeError {
  return new RangeError(`the patterns name more than ${filesMax} files`);
}

/** The directory that everything a pattern names lies in. */
export function directoryOf(pattern: string): string {
  let directory = dirname(pattern);
  while (!isPlain(directory)) directory = dirname(directory);
  return directory;
}

/** Whether a file can be one of those, by its name. */
export function mayConcern(path: string, patterns: readonly string[]): boolean {
  const log = basename(nameOfLog(path));
  return patterns.some((pattern) => !isPlain(pattern) || basename(nameOfLog(pattern)) === log);
}

function isPlain(pattern: string): boolean {
  return !/[*?[\]{}!()]/.test(pattern);
}

function nameOfLog(path: string): string {
  const name = basename(path);
  const log = name.replace(rotation, "");
  return join(dirname(path), log === "" ? name : log);
}

function isRotatedName(path: string): boolean {
  return rotation.exec(basename(path))![0] !== "";
}

async function entriesOf(directory: string): Promise<string[]> {
  return await readdir(directory).catch(() => []);
}

async function look(path: string): Promise<FoundFile | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  return {
    path,
    inode: `${found.dev}:${found.ino}`,
    size: found.size,
    mtimeMs: found.mtimeMs,
    compression: path.endsWith(".gz") ? "gzip" : path.endsWith(".zst") ? "zstd" : "none",
    isRotated: isRotatedName(path),
  };
}

function byAge(a: FoundFile, b: FoundFile): number {
  if (a.isRotated !== b.isRotated) return a.isRotated ? -1 : 1;
  return a.mtimeMs - b.mtimeMs || (a.path < b.path ? -1 : 1);
}
