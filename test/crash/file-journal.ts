/** All that a process did to the files of a directory, in its order, as power-journal.c notes it. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

export const Operation = {
  create: 1,
  write: 2,
  truncate: 3,
  sync: 4,
  syncDirectory: 5,
  rename: 6,
  unlink: 7,
  link: 8,
} as const;

const headBytes = 32;

export interface Entry {
  readonly operation: number;
  readonly from: string;
  readonly to: string;
  readonly data: Buffer;
  readonly inode: number;
  readonly offset: number;
}

/** The file that each name stands for, by its inode. */
export type Names = Map<string, number>;

export function renameIn(names: Names, { operation, from, to, inode }: Entry): void {
  if (operation === Operation.create) names.set(from, inode);
  else if (operation === Operation.link) names.set(to, inode);
  else {
    names.delete(from);
    if (operation === Operation.rename) names.set(to, inode);
  }
}

export function fileNames(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The last entry may be there in part: nothing has come of it. */
export function* entriesOf(journal: Buffer): Generator<Entry> {
  for (let at = 0; at + headBytes <= journal.length;) {
    const [operation, from, to, size] = [0, 4, 8, 12].map((field) =>
      journal.readUInt32LE(at + field),
    ) as [number, number, number, number];
    const paths = at + headBytes;
    const data = paths + from + to;
    if (data + size > journal.length) return;
    yield {
      operation,
      from: journal.toString("utf8", paths, paths + from),
      to: journal.toString("utf8", paths + from, data),
      data: journal.subarray(data, data + size),
      inode: Number(journal.readBigUInt64LE(at + 16)),
      offset: Number(journal.readBigUInt64LE(at + 24)),
    };
    at = data + size;
  }
}

/** The environment of a process that is to note what it does to files below `directory` in the file `journal`. */
export function journalingEnvironment(
  libraryDirectory: string,
  directory: string,
  journal: string,
): Record<string, string> {
  const library = join(libraryDirectory, "power-journal.so");
  const source = join(import.meta.dirname, "power-journal.c");
  execFileSync("gcc", ["-shared", "-fPIC", "-O1", "-o", library, source, "-lpthread"]);
  return { LD_PRELOAD: library, POWER_DIRECTORY: directory, POWER_JOURNAL: journal };
}
