/**
 * What a kill leaves of a directory: everything that the process has written, and of the write it was killed in any
 * number of whole pages, since the kernel looks for signals between them.
 */
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Random } from "../../src/traffic/random.ts";
import { entriesOf, Operation, renameIn } from "./file-journal.ts";
import type { Entry, Names } from "./file-journal.ts";

const pageBytes = 4_096;

/** Writes all files of the directory, as they are in the middle of a write, to another one. */
export type CopyTornTo = (directory: string) => void;

/** A directory that was empty when the first of its journals began. */
export class JournaledDirectory {
  private readonly names: Names = new Map();
  private readonly files = new Map<number, Buffer>();

  /** Each write of more than a page over what the file `path` had already, torn somewhere. */
  *tornOverwrites(journal: Buffer, path: string, random: Random): Generator<CopyTornTo> {
    for (const entry of entriesOf(journal)) {
      const { operation, inode, offset, data } = entry;
      const before = this.files.get(inode);
      if (
        operation === Operation.write &&
        this.names.get(path) === inode &&
        data.length > pageBytes &&
        offset < before!.length
      ) {
        const pages = random.between(1, Math.ceil(data.length / pageBytes) - 1);
        const torn = overwritten(before!, data.subarray(0, pages * pageBytes), offset);
        yield (directory) => this.copyTo(directory, inode, torn);
      }
      this.take(entry);
    }
  }

  private copyTo(directory: string, inode: number, torn: Buffer): void {
    for (const [name, file] of this.names) {
      writeFileSync(join(directory, basename(name)), file === inode ? torn : this.files.get(file)!);
    }
  }

  private take(entry: Entry): void {
    const { operation, inode, offset, data } = entry;
    switch (operation) {
      case Operation.create:
        this.files.set(inode, Buffer.alloc(0));
        this.names.set(entry.from, inode);
        return;
      case Operation.write:
        this.files.set(inode, overwritten(this.files.get(inode)!, data, offset));
        return;
      case Operation.truncate: {
        const file = this.files.get(inode)!;
        this.files.set(inode, overwritten(file.subarray(0, offset), Buffer.alloc(0), offset));
        return;
      }
      case Operation.sync:
      case Operation.syncDirectory:
        return;
      default:
        renameIn(this.names, { ...entry, inode: this.names.get(entry.from)! });
    }
  }
}

function overwritten(file: Buffer, data: Uint8Array, offset: number): Buffer {
  const result = Buffer.alloc(Math.max(file.length, offset + data.length));
  file.copy(result);
  result.set(data, offset);
  return result;
}
