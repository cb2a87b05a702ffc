/**
 * How far each file of a source has been read, kept beside the data. It is written once what it tells of is durable in the
 * log, so it is never ahead; what it is behind by is sent again and known by its ids. Losing it costs time only.
 */

import { rename } from "node:fs/promises";
import { join } from "node:path";
import { durableTextFile, makeDirectory } from "../../files/durable-file.ts";
import { lockFile } from "../../files/file-lock.ts";
import { CodedError } from "../../model/errors.ts";
import type { LinePlace } from "./line-cutter.ts";

const version = 1;

/** Files that are gone and still known, for the sake of others that begin as they did. */
const goneFilesMax = 256;

export interface FileState {
  /** By first line: of the files that begin with the same up to it the how many-th it is, from 0. */
  readonly occurrences: number[];
  /** By which those are found: a hash, hex. */
  readonly beginning: string;
  /** Of a format with a header: its cells. */
  readonly header: readonly string[];
  /** Running hashes of the first lines, hex: what another file has to begin with to be the same one. */
  readonly marks: string[];
  /** Everything before is decided on. */
  place: SavedPlace;
  /** A few lines before: what lies between is looked at again to know a plain file by. */
  anchor: SavedPlace;
  /** Of a compressed file that was read to its end: its size and time then. Else empty. */
  doneAs: string;
  /** True where it was found again by its content, and not by its inode. */
  isCopy: boolean;
  /** Where it was found first, and last. */
  readonly bornAt: string;
  path: string;
  inode: string;
}

/** First lines that are noted of a file: most others differ from it within these. */
export const marksMax = 16;

/** Notes the next of its first lines, by its running hash; `files`: all that are known. */
export function addMark(file: FileState, hash: string, files: readonly FileState[]): void {
  const index = file.marks.length;
  const alike = files.filter((other) => other !== file && other.marks[index] === hash);
  file.occurrences.push(Math.max(-1, ...alike.map((other) => other.occurrences[index]!)) + 1);
  file.marks.push(hash);
}

/** Of a line of the file; behind the first ones as of the last of them, should all of them be alike. */
export function occurrenceOf({ occurrences }: FileState, lineNumber: number): number {
  return occurrences[Math.min(lineNumber, marksMax) - 1] ?? 0;
}

export interface SavedPlace {
  readonly bytes: number;
  readonly lines: number;
  /** Running hash up to there, hex. */
  readonly hash: string;
}

export function savedPlace({ bytes, lines, hash }: LinePlace): SavedPlace {
  return { bytes, lines, hash: hash.toString("hex") };
}

export function placeOf({ bytes, lines, hash }: SavedPlace): LinePlace {
  return { bytes, lines, hash: Buffer.from(hash, "hex") };
}

interface SavedState {
  readonly version: number;
  readonly source: string;
  readonly files: readonly FileState[];
}

export class WatchState implements Disposable {
  readonly files: FileState[];
  private readonly source: string;
  private readonly write: (content: string) => Promise<void>;
  private readonly lock: Disposable;

  private constructor(
    source: string,
    files: FileState[],
    write: (content: string) => Promise<void>,
    lock: Disposable,
  ) {
    this.source = source;
    this.files = files;
    this.write = write;
    this.lock = lock;
  }

  /**
   * A state that can't be read is set aside, and told of. CodedError `data_format_newer` where a newer release wrote it,
   * `data_dir_locked` where another process has it open: two would count what they find in an order of their own.
   */
  static async open(
    directory: string,
    source: string,
    onProblem: (what: string) => void,
  ): Promise<WatchState> {
    await makeDirectory(directory, 0o700);
    const lock = lockFile(join(directory, `${source}.lock`));
    if (!lock) {
      const message = `another process follows ${source} with the positions in ${directory}`;
      throw new CodedError("data_dir_locked", message);
    }
    using held = new DisposableStack();
    held.use(lock);
    const path = join(directory, `${source}.json`);
    const file = durableTextFile(path);
    const text = await file.read();
    let files: FileState[] = [];
    if (text !== undefined) {
      const saved = parsed(text);
      if (saved && saved.version > version) throw newer(path, saved.version);
      if (saved?.source === source && Array.isArray(saved.files)) files = [...saved.files];
      else {
        await rename(path, `${path}.damaged`);
        onProblem(
          `${path} can't be read and is set aside: its files are read again from the start`,
        );
      }
    }
    held.move();
    return new WatchState(source, files, file.write, lock);
  }

  [Symbol.dispose](): void {
    this.lock[Symbol.dispose]();
  }

  /** `isThere`: of a file that is still to be seen. */
  async save(isThere: (file: FileState) => boolean): Promise<void> {
    const gone = this.files.filter((file) => !isThere(file));
    for (const file of gone.slice(0, Math.max(0, gone.length - goneFilesMax)))
      this.files.splice(this.files.indexOf(file), 1);
    const { source, files } = this;
    await this.write(`${JSON.stringify({ version, source, files } satisfies SavedState)}\n`);
  }
}

function parsed(text: string): SavedState | undefined {
  try {
    const saved = JSON.parse(text) as SavedState | null;
    return Number.isSafeInteger(saved?.version) ? saved! : undefined;
  } catch {
    return undefined;
  }
}

function newer(path: string, found: number): CodedError {
  return new CodedError(
    "data_format_newer",
    `${path} has format ${found}, this release knows up to ${version}: use a newer release`,
  );
}
