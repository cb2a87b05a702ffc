/** The queries of the port over what a simulated store holds. */

import type { MinuteChanges, PartitionProgress } from "../../model/commit.ts";
import type {
  AdAttributes,
  AggregateQuery,
  AggregateResult,
  BucketState,
  ClicksPage,
  ClicksQuery,
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
  ClickStoreReader,
} from "../../store/click-store.ts";
import type { DayReceipt } from "../../model/dropped-days.ts";
import type { HoldersQuery, ValueHolder } from "../../model/erasing.ts";
import type { RecomputationQuery, RestatedRowsQuery } from "../../store/recomputation.ts";
import type { RecordedClick } from "../../model/recorded-click.ts";
import type { Visibility } from "../../store/visibility.ts";
import type { ChangedCount, ChangesQuery, HistoryStart } from "../../store/changes.ts";
import type { Steps } from "../world/process.ts";
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
import { journalPage, journalSums } from "./journal.ts";
import { holdersOf } from "./erase.ts";
import { foundIdentities, identityChunk } from "./identities.ts";
import { minuteChunk } from "./minute-chunk.ts";
import { recordedClicks } from "./recorded-clicks.ts";
import { recomputation, recountRows, restatedRows } from "./recount.ts";
import { newestReceipts } from "./retention.ts";
import type { Contents, MinuteRow } from "./tables.ts";
import { progressAt, progressOf } from "./tables.ts";

export abstract class SimulatedReader implements ClickStoreReader {
  protected readonly steps: Steps;

  protected constructor(steps: Steps) {
    this.steps = steps;
  }

  /** What queries are answered from now. */
  protected abstract get contents(): Contents;

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
    partition?: number,
  ): Promise<BucketState[]> {
    await this.steps.step("buckets");
    return buckets.map((bucket) => bucketState(this.contents, bucket, partition));
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

  /** Makes other minute rows of them, as no protocol does; the returned call puts back those that were. */
  damage(change: (rows: readonly MinuteRow[]) => MinuteRow[]): () => void {
    const { contents } = this;
    const { minutes } = contents;
    contents.minutes = change(minutes);
    return () => {
      contents.minutes = minutes;
    };
  }

  private seen(): Snapshot {
    const { sequence: asOf, closes } = this.contents;
    return { asOf, progress: progressOf(this.contents), closes: [...closes] };
  }
}
