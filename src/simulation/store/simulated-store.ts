/**
 * The click store on a simulated disk: its contents in memory, a log of commits and compactions, and a snapshot that
 * checkpoints put in the place of the log. It keeps the port's promises in the plainest way, so that the simulator
 * can break every step of them.
 */

import { Turns } from "../../clock/turns.ts";
import type { Commit, PartitionProgress } from "../../model/commit.ts";
import { movesCounts } from "../../model/commit.ts";
import { CodedError } from "../../model/errors.ts";
import type { ClickStore } from "../../store/click-store.ts";
import { assertSequences } from "../../store/commit-sequences.ts";
import type { Chunk } from "../world/chunk.ts";
import { sealed, wholeCopy } from "../world/chunk.ts";
import type { SimulatedDisk } from "../world/disk.ts";
import { fileNames } from "../world/file-names.ts";
import type { Steps } from "../world/process.ts";
import { DeviceError } from "../world/process.ts";
import type { LogWrite } from "./open-contents.ts";
import { SimulatedReader } from "./simulated-reader.ts";
import { dropCovered, openContents } from "./open-contents.ts";
import { purgeContents } from "./retention.ts";
import type { Contents } from "./tables.ts";
import { applyCommit, rowsOfCommit } from "./apply-commit.ts";
import { compactContents, copyOf, progressOf } from "./tables.ts";

/** Of those that are offered at once, one to so many go through at one stroke: the port leaves it to the store. */
const commitsTogetherMax = 3;

/** A copy takes time, in which commits come. */
const copySteps = 20;

/** A copy of the snapshot, with the progress that it has. */
export interface StoreCopy {
  readonly progress: readonly PartitionProgress[];
  readonly chunks: readonly Chunk[];
}

export class SimulatedStore extends SimulatedReader implements ClickStore {
  private readonly disk: SimulatedDisk;
  private readonly turns = new Turns();
  private readonly checkpoints = new Turns();
  private readonly beforeSwap: () => void;
  protected contents!: Contents;
  /** Undefined once a commit has begun the history of this opening. */
  private newHistoryId: string | undefined;
  private isClosed = false;

  private constructor(disk: SimulatedDisk, steps: Steps, beforeSwap: () => void) {
    super(steps);
    this.disk = disk;
    this.beforeSwap = beforeSwap;
    this.load();
  }

  /** Rejects with `data_corrupt` where the snapshot is damaged; a log that can't be replayed is left behind. */
  static async open(
    disk: SimulatedDisk,
    steps: Steps,
    beforeSwap = (): void => {},
  ): Promise<SimulatedStore> {
    await steps.step("recover.open");
    return new SimulatedStore(disk, steps, beforeSwap);
  }

  commit(...commits: readonly [Commit, ...Commit[]]): Promise<number> {
    return this.turns.take(async () => {
      await this.steps.step("commit.begin");
      this.checkOpen();
      assertSequences(commits, this.contents.sequence);
      const known = commits.filter(({ sequence }) => sequence <= this.contents.sequence);
      if (known.length > 0) return known.length;
      const together = commits.slice(0, 1 + (commits[0].sequence % commitsTogetherMax));
      const rows = together.map(rowsOfCommit);
      const parts = together.map((commit, i) => ({
        commit,
        historyId: (i === 0 ? this.newHistoryId : undefined) ?? this.movedHistoryId(commit),
      }));
      await this.write({ kind: "commits", parts }, "commit");
      this.newHistoryId = undefined;
      for (const [i, { commit, historyId }] of parts.entries())
        applyCommit(this.contents, commit, rows[i]!, historyId);
      await this.steps.step("commit.done");
      return together.length;
    });
  }

  compact(endMinute: number): Promise<void> {
    return this.turns.take(async () => {
      await this.steps.step("compact.begin");
      await this.write({ kind: "compact", endMinute, sequence: this.contents.sequence }, "compact");
      compactContents(this.contents, endMinute);
      await this.steps.step("compact.done");
    });
  }

  purge(): Promise<void> {
    return this.turns.take(async () => {
      await this.steps.step("compact.begin");
      await this.write({ kind: "purge", sequence: this.contents.sequence }, "compact");
      purgeContents(this.contents);
      await this.steps.step("compact.done");
    });
  }

  checkpoint(): Promise<PartitionProgress[]> {
    return this.checkpoints.take(() => this.checkpointNow());
  }

  /** Of a checkpoint that it makes; the next one waits. */
  copySnapshot(): Promise<StoreCopy> {
    return this.checkpoints.take(async () => {
      const progress = await this.checkpointNow();
      for (let step = 0; step < copySteps; step++) await this.steps.step("query");
      return { progress, chunks: wholeCopy(this.disk.file(fileNames.snapshot).chunks) };
    });
  }

  /** Commits go on meanwhile: the snapshot is of its beginning. */
  private async checkpointNow(): Promise<PartitionProgress[]> {
    const { disk, steps } = this;
    await steps.step("checkpoint.begin");
    const { snapshot, newSnapshot, storeLog } = fileNames;
    const covered = progressOf(this.contents);
    const { sequence } = this.contents;
    const content = sealed(copyOf(this.contents));
    disk.remove(newSnapshot);
    await steps.step("checkpoint.write", () => disk.file(newSnapshot).append(content));
    await steps.step("checkpoint.sync", () => disk.file(newSnapshot).sync());
    await steps.step("checkpoint.swap", () => {
      this.beforeSwap();
      disk.rename(newSnapshot, snapshot);
    });
    await steps.step("checkpoint.truncate", () => dropCovered(disk.file(storeLog), sequence));
    await steps.step("checkpoint.done");
    return covered;
  }

  async sizeBytes(): Promise<number> {
    const files = [fileNames.storeLog, fileNames.snapshot].map((name) => this.disk.file(name));
    return 1 + files.reduce((sum, { chunks }) => sum + chunks.length, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.turns.take(async () => {
      this.isClosed = true;
    });
  }

  private load(): void {
    this.contents = openContents(this.disk);
    this.newHistoryId = this.disk.countOpening().toString(16);
  }

  private movedHistoryId(commit: Commit): string | undefined {
    return movesCounts(commit) ? this.disk.countOpening().toString(16) : undefined;
  }

  private checkOpen(): void {
    if (this.isClosed) throw new CodedError("storage_failed", "the store is closed");
  }

  /** After a failed sync nobody knows what is durable: the store goes on from what its disk says. */
  private async write(write: LogWrite, protocol: "commit" | "compact"): Promise<void> {
    const { steps, disk } = this;
    const file = disk.file(fileNames.storeLog);
    try {
      await steps.step(`${protocol}.write`, () => file.append(sealed(write)));
      await steps.step(`${protocol}.sync`, () => file.sync());
    } catch (error) {
      if (error instanceof DeviceError && error.kind === "sync_error") {
        this.load();
      }
      throw error;
    }
  }
}
