/**
 * What a loss of power leaves of a directory: the journal of all that a process did to its files (power-journal.c),
 * replayed onto what lay there before, with only that certain which was synced.
 *
 * - What was written to a file is certain once that file was synced. Of each later write the whole, nothing, or any of
 *   its sectors may be there, also where a write before it is not.
 * - Names (made, renamed, removed) come true in their order. Those before the last sync of a directory are certain, and
 *   those up to the last that made or moved a file, once that file was synced. Any number of the others may be there.
 *   This is how the journals of ext4 and XFS work; POSIX alone promises less.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { Random } from "../../src/traffic/random.ts";
import { entriesOf, fileNames, Operation, renameIn } from "./file-journal.ts";
import type { Entry, Names } from "./file-journal.ts";

const sectorBytes = 512;

/** A file's content as far as it is certain, and what was done to it since. */
class StoredFile {
  pending: Entry[] = [];
  /** Of these bytes the first `length` are the content; the others are zero. */
  private bytes: Buffer;
  private length: number;

  constructor(content: Buffer) {
    this.bytes = content;
    this.length = content.length;
  }

  get content(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  sync(): void {
    for (const entry of this.pending.splice(0)) this.apply(entry, () => true);
  }

  /** What is left of it without a sync. */
  lose(random: Random, keptShares: readonly number[]): void {
    const keptShare = random.pick(keptShares);
    const inSectors = random.chance(0.5);
    for (const entry of this.pending.splice(0)) {
      if (!inSectors && !random.chance(keptShare)) continue;
      this.apply(entry, () => !inSectors || random.chance(keptShare));
    }
  }

  private apply({ operation, data, offset }: Entry, keepSector: () => boolean): void {
    if (operation === Operation.truncate) {
      if (keepSector()) this.resize(offset);
      return;
    }
    for (let at = 0; at < data.length;) {
      const end = Math.min(data.length, at + sectorBytes - ((offset + at) % sectorBytes));
      if (keepSector()) {
        if (this.length < offset + end) this.resize(offset + end);
        data.copy(this.bytes, offset + at, at, end);
      }
      at = end;
    }
  }

  private resize(length: number): void {
    if (length > this.bytes.length) {
      const larger = Buffer.alloc(2 * length);
      this.content.copy(larger);
      this.bytes = larger;
    }
    if (length < this.length) this.bytes.fill(0, length, this.length);
    this.length = length;
  }
}

/** A directory, with the files in it as they are before the process starts: all of that is certain. */
export class PoweredDirectory {
  private readonly path: string;
  private readonly names: Names = new Map();
  private readonly files = new Map<number, StoredFile>();
  /** Changes of names that are not certain yet. */
  private pendingNames: Entry[] = [];

  constructor(path: string) {
    this.path = path;
    for (const name of fileNames(path)) {
      const inode = statSync(name).ino;
      this.names.set(name, inode);
      this.files.set(inode, new StoredFile(readFileSync(name)));
    }
  }

  /**
   * Writes the directory as a loss of power leaves it that ended the journal; how many writes were not synced. Of these
   * each file keeps one of the shares.
   */
  losePower(journal: Buffer, random: Random, keptShares: readonly number[]): number {
    for (const entry of entriesOf(journal)) this.take(entry);
    let unsynced = 0;
    const kept = random.between(0, this.pendingNames.length);
    for (const entry of this.pendingNames.splice(0, kept)) this.rename(entry);
    for (const file of this.files.values()) {
      unsynced += file.pending.length;
      file.lose(random, keptShares);
    }
    for (const name of fileNames(this.path)) rmSync(name);
    for (const [name, inode] of this.names) {
      // Shared memory is on no disk.
      if (!name.endsWith("-shm"))
        writeFileSync(name, this.files.get(inode)!.content, { mode: 0o600 });
    }
    return unsynced;
  }

  private take(entry: Entry): void {
    const { operation, inode } = entry;
    switch (operation) {
      case Operation.create:
        this.files.set(inode, new StoredFile(Buffer.alloc(0)));
        this.pendingNames.push(entry);
        return;
      case Operation.write:
      case Operation.truncate:
        this.files.get(inode)!.pending.push(entry);
        return;
      case Operation.sync:
        this.files.get(inode)!.sync();
        this.settleNames(this.pendingNames.findLastIndex((pending) => pending.inode === inode) + 1);
        return;
      case Operation.syncDirectory:
        this.settleNames(this.pendingNames.length);
        return;
      default:
        this.pendingNames.push({ ...entry, inode: this.inodeNow(entry.from) });
    }
  }

  /** The file that a name stands for with all changes so far, certain or not. */
  private inodeNow(name: string): number {
    const names = new Map(this.names);
    for (const entry of this.pendingNames) renameIn(names, entry);
    return names.get(name) ?? 0;
  }

  private settleNames(count: number): void {
    for (const entry of this.pendingNames.splice(0, count)) this.rename(entry);
  }

  private rename(entry: Entry): void {
    renameIn(this.names, entry);
  }
}
