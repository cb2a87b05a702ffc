import type { Chunk } from "./chunk.ts";
import type { SimulatedDisk } from "./disk.ts";
import { fileNames } from "./file-names.ts";

/** A mistake of operators: the store is put back from a copy, and the queue is not. */
export class OldCopy {
  private readonly disk: SimulatedDisk;
  private copy: readonly Chunk[] | undefined;
  private newer:
    | { readonly snapshot: readonly Chunk[]; readonly log: readonly Chunk[] }
    | undefined;

  constructor(disk: SimulatedDisk) {
    this.disk = disk;
  }

  /** To be called before a snapshot is replaced: that one may be put back one day. */
  take(): void {
    if (this.disk.has(fileNames.snapshot))
      this.copy = [...this.disk.file(fileNames.snapshot).chunks];
  }

  /** False where there is no copy. */
  restore(): boolean {
    const { disk, copy } = this;
    if (copy === undefined) return false;
    this.newer = {
      snapshot: [...disk.file(fileNames.snapshot).chunks],
      log: [...disk.file(fileNames.storeLog).chunks],
    };
    disk.restore(fileNames.snapshot, copy);
    disk.restore(fileNames.storeLog, []);
    this.copy = undefined;
    return true;
  }

  /** Undoes the last `restore`; false where nothing is to be undone. */
  putBack(): boolean {
    if (this.newer === undefined) return false;
    this.disk.restore(fileNames.snapshot, this.newer.snapshot);
    this.disk.restore(fileNames.storeLog, this.newer.log);
    this.newer = undefined;
    return true;
  }

  /** The service has gone on from the copy: from now on that is the store. */
  settle(): void {
    this.newer = undefined;
  }
}
