/** The queries of the port over a ClickHouse database, each as of the last commit that the state knows. */

import type { MinuteChanges } from "../../model/commit.ts";
import type { RecordedClick } from "../../model/recorded-click.ts";
import type { ChangedCount, ChangesQuery, HistoryStart } from "../changes.ts";
import type {
  AdAttributes,
  AggregateQuery,
  AggregateResult,
  BucketState,
  ClicksPage,
  ClicksQuery,
  ClickStoreReader,
  JournalSums,
  JournalSumsQuery,
  LedgerRow,
  MinuteChunk,
  OutcomeCounts,
  PastSnapshot,
  RecordedClicksQuery,
  RecordedDroppedDay,
  RecordedOperation,
  RecoveredState,
  RecountResult,
  RestatementsPage,
  RestatementsQuery,
} from "../click-store.ts";
import type { RecomputationQuery } from "../recomputation.ts";
import type { Visibility } from "../visibility.ts";
import { readAggregate } from "./aggregate.ts";
import {
  readAdAttributes,
  readJournalSums,
  readLastRecompute,
  readLedger,
  readOperation,
  readRestatements,
} from "./books.ts";
import { readClicks, readOutcomes } from "./clicks.ts";
import { readRecomputation, recount } from "./comparison.ts";
import type { Connection } from "./connection.ts";
import { integer, literal } from "./connection.ts";
import type { Database } from "./database.ts";
import { readBucketStates, readChanges, readExtent, scanMinutes } from "./minutes.ts";
import { readRecordedClicks } from "./recorded-clicks.ts";
import type { StoreState, View } from "./state.ts";
import { progressOf, readProgress, snapshotOf, viewOf } from "./state.ts";

/** Lists are copies, which later commits don't change. */
export abstract class ClickHouseReader implements ClickStoreReader, AsyncDisposable {
  protected readonly database: Database;
  protected readonly connection: Connection;
  protected readonly state: StoreState;

  protected constructor(database: Database, state: StoreState) {
    this.database = database;
    this.connection = database.connection;
    this.state = state;
  }

  async recover(): Promise<RecoveredState> {
    const { sequence, dictionaries, configs, closes, layoutChanges, droppedDays } = this.state;
    return {
      sequence,
      progress: progressOf(this.state),
      dictionaries: dictionaries.all(),
      configs: configs.map(({ config }) => config),
      closes: [...closes],
      layoutChanges: [...layoutChanges],
      droppedDays: [...droppedDays],
    };
  }

  async aggregate(query: AggregateQuery): Promise<AggregateResult> {
    const snapshot = snapshotOf(this.state);
    return { rows: await readAggregate(this.connection, this.view(), query), ...snapshot };
  }

  async clicks(query: ClicksQuery): Promise<ClicksPage> {
    const snapshot = snapshotOf(this.state);
    return { ...(await readClicks(this.connection, this.view(), query)), ...snapshot };
  }

  async recount(fromMinute: number, toMinute: number, limit: number): Promise<RecountResult> {
    const snapshot = snapshotOf(this.state);
    const range = { fromMinute, toMinute };
    return { ...(await recount(this.connection, this.view(), range, limit)), ...snapshot };
  }

  scanMinutes(
    fromMinute: number,
    toMinute: number,
    visibility?: Visibility,
  ): AsyncIterable<MinuteChunk> {
    return scanMinutes(this.connection, this.view(), fromMinute, toMinute, visibility);
  }

  recomputation(query: RecomputationQuery): Promise<MinuteChanges | undefined> {
    return readRecomputation(this.connection, this.view(), query);
  }

  recordedClicks(query: RecordedClicksQuery): Promise<readonly RecordedClick[]> {
    return readRecordedClicks(this.connection, this.view(), query);
  }

  bucketStates(
    buckets: readonly { minute: number; adKey: number }[],
    partition?: number,
  ): Promise<BucketState[]> {
    return readBucketStates(this.connection, this.view(), buckets, partition);
  }

  async snapshotAt(asOf: number): Promise<PastSnapshot | undefined> {
    const { counting, state } = this.view();
    if (asOf > state.sequence) return undefined;
    const until = <T extends { readonly asOf: number }>(all: readonly T[]): T[] =>
      all.filter((one) => one.asOf <= asOf);
    return {
      asOf,
      configs: until(state.configs).map(({ config }) => config),
      closes: until(state.closes),
      layoutChanges: until(state.layoutChanges),
      progress: await readProgress(this.database, `${counting} AND sequence <= ${integer(asOf)}`),
    };
  }

  async restatements(query: RestatementsQuery): Promise<RestatementsPage> {
    const asOf = query.asOf ?? this.state.sequence;
    return { asOf, rows: await readRestatements(this.connection, this.view(), asOf, query) };
  }

  journalSums(query: JournalSumsQuery): Promise<readonly JournalSums[]> {
    return readJournalSums(this.connection, this.view(), query);
  }

  lastRecompute(partition?: number): Promise<RecordedOperation | undefined> {
    return readLastRecompute(this.connection, this.view(), partition);
  }

  operation(id: string): Promise<RecordedOperation[]> {
    return readOperation(this.connection, this.view(), id);
  }

  changes(query: ChangesQuery): Promise<readonly ChangedCount[]> {
    return readChanges(this.connection, this.view(), query);
  }

  async histories(): Promise<readonly HistoryStart[]> {
    return [...this.state.histories];
  }

  async droppedDays(): Promise<readonly RecordedDroppedDay[]> {
    return [...this.state.droppedDays];
  }

  ledger(fromMinute: number, toMinute: number): Promise<LedgerRow[]> {
    return readLedger(this.connection, this.view(), fromMinute, toMinute);
  }

  adAttributes(adId: string): Promise<AdAttributes | undefined> {
    return readAdAttributes(this.connection, this.view(), adId);
  }

  outcomesOf(
    partition: number,
    offset: number,
    fromRow: number,
    toRow: number,
  ): Promise<OutcomeCounts | undefined> {
    return readOutcomes(this.connection, this.view(), { partition, offset, fromRow, toRow });
  }

  extent(): Promise<{ firstMinute: number; lastMinute: number } | undefined> {
    return readExtent(this.connection, this.view());
  }

  async sizeBytes(): Promise<number> {
    const { name, tables } = this.database;
    const parts = `SELECT * FROM system.parts WHERE database = ${literal(name)} AND active`;
    const [row] = await this.connection.rows(
      `SELECT sum(bytes_on_disk) FROM ${tables.everywhere(parts)}`,
    );
    return row![0] as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database[Symbol.asyncDispose]();
  }

  protected view(): View {
    return viewOf(this.state, this.database.tables);
  }
}
