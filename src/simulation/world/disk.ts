import type { Random } from "../../traffic/random.ts";
import type { Chunk } from "./chunk.ts";

/** How much of what was not synced a loss of power leaves. */
export type PowerLoss = "lost_write" | "torn_write" | "reordered_write";

/**
 * A file as a list of writes, each sealed with a checksum by its writer. The first `syncedCount` survive everything;
 * those behind survive the death of a process, but not the loss of power.
 */
export class SimulatedFile {
  chunks: Chunk[] = [];
  syncedCount = 0;

  append(chunk: Chunk): void {
    this.chunks.push(chunk);
  }

  sync(): void {
    this.syncedCount = this.chunks.length;
  }

  /** Forgets the writes from `count` on. */
  truncate(count: number): void {
    this.chunks.length = Math.min(this.chunks.length, count);
    this.syncedCount = Math.min(this.syncedCount, count);
  }

  /** Forgets the first `count` writes. */
  dropFirst(count: number): void {
    this.chunks.splice(0, count);
    this.syncedCount = Math.max(0, this.syncedCount - count);
  }

  losePower(how: PowerLoss, random: Random): void {
    const pending = this.chunks.splice(this.syncedCount);
    if (how === "lost_write") return;
    for (const chunk of pending) {
      // Of later writes more may have reached the disk than of earlier ones.
      const isWhole = how === "reordered_write" && random.chance(0.5);
      this.chunks.push(isWhole ? chunk : { ...chunk, isWhole });
    }
    this.syncedCount = this.chunks.length;
  }

  /** Changes a bit of one synced write; false where there is none. */
  flip(random: Random): boolean {
    if (this.syncedCount === 0) return false;
    // The newest write is the one that is still to be read.
    const index = random.chance(0.5) ? this.syncedCount - 1 : random.below(this.syncedCount);
    const chunk = this.chunks[index]!;
    this.chunks[index] = { ...chunk, isWhole: false, undamaged: chunk.undamaged ?? chunk };
    return true;
  }

  /** Puts flipped bytes back; false where there are none. */
  mend(): boolean {
    let isMended = false;
    for (const [index, chunk] of this.chunks.entries()) {
      if (!chunk.undamaged) continue;
      this.chunks[index] = chunk.undamaged;
      isMended = true;
    }
    return isMended;
  }
}

/** Files by name; outlives the processes. */
export class SimulatedDisk {
  private readonly files = new Map<string, SimulatedFile>();
  private readonly random: Random;
  private hasSetAside = false;
  private openings = 0;

  constructor(random: Random) {
    this.random = random;
  }

  /** A number that no other opening of a store on this disk has got, whatever became of its files. */
  countOpening(): number {
    return ++this.openings;
  }

  /** Notes that damaged writes were left behind, so that going back behind them surprises nobody. */
  noteSetAside(): void {
    this.hasSetAside = true;
  }

  /** All is in order as it is: what was damaged before can't excuse what comes. */
  settle(): void {
    this.hasSetAside = false;
  }

  file(name: string): SimulatedFile {
    let file = this.files.get(name);
    if (!file) this.files.set(name, (file = new SimulatedFile()));
    return file;
  }

  has(name: string): boolean {
    return this.files.has(name);
  }

  /** Atomic; the old content of `to` is gone. */
  rename(from: string, to: string): void {
    this.files.set(to, this.file(from));
    this.files.delete(from);
  }

  /** A copy of a file put in another's place, as an operator restores a backup. */
  restore(name: string, chunks: readonly Chunk[]): void {
    const file = new SimulatedFile();
    for (const chunk of chunks) file.append(chunk);
    file.sync();
    this.files.set(name, file);
  }

  remove(name: string): void {
    this.files.delete(name);
  }

  /** False where nothing of the file is synced. */
  flip(name: string): boolean {
    return this.file(name).flip(this.random);
  }

  losePower(how: PowerLoss): void {
    for (const file of this.files.values()) file.losePower(how, this.random);
  }

  /** Puts flipped bytes back everywhere; false where there are none, and none were left behind. */
  mend(): boolean {
    let isMended = this.hasSetAside;
    this.hasSetAside = false;
    for (const file of this.files.values()) isMended = file.mend() || isMended;
    return isMended;
  }
}
