/**
 * The click store on a simulated disk: its contents in memory, a log of commits and compactions, and a snapshot that
 * checkpoints put in the place of the log. It keeps the port's promises in the plainest way, so that the simulator
 * can break every step of them.
 */

import { Turns } from "../../clock/turns.ts";
import type { Commit, MinuteChanges, PartitionProgress } from "../../model/commit.ts";
import { movesCounts } from "../../model/commit.ts";
import { CodedError } from "../../model/errors.ts";
import type {
  AdAttributes,
  AggregateQuery,
  AggregateResult,
  BucketState,
  ClicksPage,
  ClicksQuery,
  ClickStore,
  IdentityChunk,
  IdentityProbes,
  JournalSums,
  JournalSumsQuery,
  LedgerRow,
  MinuteChunk,
  OutcomeCounts,
  RecordedClicksQuery,
  RecordedDroppedDay,
  RecordedOperation,
  PastSnapshot,
  RecoveredState,
  RecountResult,
  RestatementsPage,
  RestatementsQuery,
  Snapshot,
} from "../../store/click-store.ts";
import type { DayReceipt } from "../../model/dropped-days.ts";
import type { HoldersQuery, ValueHolder } from "../../model/erasing.ts";
import type { RecomputationQuery, RestatedRowsQuery } from "../../store/recomputation.ts";
import type { RecordedClick } from "../../model/recorded-click.ts";
import type { Visibility } from "../../store/visibility.ts";
import { assertSequences } from "../../store/commit-sequences.ts";
import type { ChangedCount, ChangesQuery, HistoryStart } from "../../store/changes.ts";
import type { Chunk } from "../world/chunk.ts";
import { sealed, wholeCopy } from "../world/chunk.ts";
import type { SimulatedDisk } from "../world/disk.ts";
import { fileNames } from "../world/file-names.ts";
import type { Steps } from "../world/process.ts";
import { DeviceError } from "../world/process.ts";
import { aggregateRows } from "./aggregate.ts";
import {
  attributesOf,
  bucketState,
  extentOf,
  lastRecomputeOf,
  ledgerRows,
  operationParts,
} from "./books.ts";
import { changedCounts } from "./changes.ts";
import { outcomesOfRecord, countsForDedup, listClicks } from "./clicks.ts";
import type { LogWrite } from "./open-contents.ts";
import { dropCovered, openContents } from "./open-contents.ts";
import { journalPage, journalSums } from "./journal.ts";
import { holdersOf } from "./erase.ts";
import { foundIdentities, identityChunk } from "./identities.ts";
import { minuteChunk } from "./minute-chunk.ts";
import { recordedClicks } from "./recorded-clicks.ts";
import { recomputation, recountRows, restatedRows } from "./recount.ts";
import { newestReceipts, purgeContents } from "./retention.ts";
import type { Contents, MinuteRow } from "./tables.ts";
import { applyCommit, rowsOfCommit } from "./apply-commit.ts";
import { compactContents, copyOf, progressAt, progressOf } from "./tables.ts";

/** Of those that are offered at once, one to so many go through at one stroke: the port leaves it to the store. */
const commitsTogetherMax = 3;

/** A copy takes time, in which commits come. */
const copySteps = 20;

/** A copy of the snapshot, with the progress that it has. */
export interface StoreCopy {
  readonly progress: readonly PartitionProgress[];
  readonly chunks: readonly Chunk[];
}

export class SimulatedStore implements ClickStore {
  private readonly disk: SimulatedDisk;
  private readonly steps: Steps;
  private readonly turns = new Turns();
  private readonly checkpoints = new Turns();
  private readonly beforeSwap: () => void;
  private contents!: Contents;
  /** Undefined once a commit has begun the history of this opening. */
  private newHistoryId: string | undefined;
  private isClosed = false;

  private constructor(disk: SimulatedDisk, steps: Steps, beforeSwap: () => void) {
    this.disk = disk;
    this.steps = steps;
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

  get sequence(): number {
    return this.contents.sequence;
  }

  get progress(): readonly PartitionProgress[] {
    return progressOf(this.contents);
  }

  /** For judging answers: what the commit of an `as_of` had applied. */
  progressAt(sequence: number): readonly PartitionProgress[] | undefined {
    return progressAt(this.contents, sequence);
  }

  async recover(): Promise<RecoveredState> {
    await this.steps.step("recover.load");
    const { sequence, dictionaries, configs, closes, droppedDays, layoutChanges } = this.contents;
    return {
      sequence,
      progress: progressOf(this.contents),
      dictionaries: new Map([...dictionaries].map(([name, values]) => [name, [...values]])),
      closes: [...closes],
      configs: configs.map(({ config }) => config),
      layoutChanges: [...layoutChanges],
      droppedDays: [...droppedDays],
    };
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

  async newestReceipts(partition: number, beforeDay: number): Promise<readonly DayReceipt[]> {
    await this.steps.step("probe");
    return newestReceipts(this.contents, partition, beforeDay);
  }

  async holders(query: HoldersQuery): Promise<ValueHolder[]> {
    await this.steps.step("probe");
    return holdersOf(this.contents, query);
  }

  async droppedDays(): Promise<readonly RecordedDroppedDay[]> {
    await this.steps.step("query");
    return [...this.contents.droppedDays];
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

  async aggregate(query: AggregateQuery): Promise<AggregateResult> {
    await this.steps.step("query");
    return { rows: aggregateRows(this.contents, query), ...this.seen() };
  }

  async clicks(query: ClicksQuery): Promise<ClicksPage> {
    await this.steps.step("query");
    return { ...listClicks(this.contents, query), ...this.seen() };
  }

  async recount(fromMinute: number, toMinute: number, limit: number): Promise<RecountResult> {
    await this.steps.step("recount");
    return { ...recountRows(this.contents, { fromMinute, toMinute }, limit), ...this.seen() };
  }

  async *scanIdentities(fromMs: number, toMs: number): AsyncGenerator<IdentityChunk> {
    await this.steps.step("recover.scan");
    const rows = this.contents.raw.filter(
      (row) => row.time >= fromMs && row.time < toMs && countsForDedup(row.outcome),
    );
    if (rows.length > 0) yield identityChunk(rows);
  }

  async findIdentities(probes: IdentityProbes): Promise<Uint8Array> {
    await this.steps.step("probe");
    return foundIdentities(this.contents, probes);
  }

  async recordedClicks(query: RecordedClicksQuery): Promise<readonly RecordedClick[]> {
    await this.steps.step("probe");
    return recordedClicks(this.contents, query);
  }

  async recomputation(query: RecomputationQuery): Promise<MinuteChanges | undefined> {
    await this.steps.step("probe");
    return recomputation(this.contents, query);
  }

  async restatedRows(query: RestatedRowsQuery): Promise<MinuteChanges> {
    await this.steps.step("probe");
    return restatedRows(this.contents, query);
  }

  async lastRecompute(partition?: number): Promise<RecordedOperation | undefined> {
    await this.steps.step("probe");
    return lastRecomputeOf(this.contents, partition);
  }

  async operation(id: string): Promise<RecordedOperation[]> {
    await this.steps.step("query");
    return operationParts(this.contents, id);
  }

  async bucketStates(
    buckets: readonly { minute: number; adKey: number }[],
  ): Promise<BucketState[]> {
    await this.steps.step("buckets");
    return buckets.map((bucket) => bucketState(this.contents, bucket));
  }

  async snapshotAt(asOf: number): Promise<PastSnapshot | undefined> {
    await this.steps.step("query");
    const { contents } = this;
    const progress = progressAt(contents, asOf);
    if (!progress) return undefined;
    const until = contents.configs.filter(({ commit }) => commit <= asOf);
    const closes = contents.closes.filter((close) => close.asOf <= asOf);
    const configs = until.map(({ config }) => config);
    const layoutChanges = contents.layoutChanges.filter((change) => change.asOf <= asOf);
    return { asOf, progress, configs, layoutChanges, closes };
  }

  async *scanMinutes(
    fromMinute: number,
    toMinute: number,
    visibility?: Visibility,
  ): AsyncGenerator<MinuteChunk> {
    await this.steps.step("recover.scan");
    const chunk = minuteChunk(this.contents, { fromMinute, toMinute }, visibility);
    if (chunk) yield chunk;
  }

  async restatements(query: RestatementsQuery): Promise<RestatementsPage> {
    await this.steps.step("query");
    return journalPage(this.contents, query);
  }

  async journalSums(query: JournalSumsQuery): Promise<readonly JournalSums[]> {
    await this.steps.step("query");
    return journalSums(this.contents, query);
  }

  async changes(query: ChangesQuery): Promise<ChangedCount[]> {
    await this.steps.step("query");
    return changedCounts(this.contents, query);
  }

  async histories(): Promise<HistoryStart[]> {
    await this.steps.step("query");
    return [...this.contents.histories];
  }

  async ledger(fromMinute: number, toMinute: number): Promise<LedgerRow[]> {
    await this.steps.step("query");
    return ledgerRows(this.contents, fromMinute, toMinute);
  }

  async adAttributes(adId: string): Promise<AdAttributes | undefined> {
    await this.steps.step("query");
    return attributesOf(this.contents, adId);
  }

  async outcomesOf(
    partition: number,
    offset: number,
    fromRow: number,
    toRow: number,
  ): Promise<OutcomeCounts | undefined> {
    await this.steps.step("query");
    return outcomesOfRecord(this.contents, { partition, offset }, fromRow, toRow);
  }

  async extent(): Promise<{ firstMinute: number; lastMinute: number } | undefined> {
    await this.steps.step("query");
    return extentOf(this.contents);
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

  /** Makes other minute rows of them, as no protocol does; the returned call puts back those that were. */
  damage(change: (rows: readonly MinuteRow[]) => MinuteRow[]): () => void {
    const { minutes } = this.contents;
    this.contents.minutes = change(minutes);
    return () => {
      this.contents.minutes = minutes;
    };
  }

  private seen(): Snapshot {
    const { sequence: asOf, closes } = this.contents;
    return { asOf, progress: progressOf(this.contents), closes: [...closes] };
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
