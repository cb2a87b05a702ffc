/** The ClickStore port over a ClickHouse database. */

import { randomUUID } from "node:crypto";
import { setTimeout as timeout } from "node:timers/promises";
import { Turns } from "../../clock/turns.ts";
import type { Commit, MinuteChanges, PartitionProgress } from "../../model/commit.ts";
import { movesCounts } from "../../model/commit.ts";
import type { DayReceipt } from "../../model/dropped-days.ts";
import type { HoldersQuery, ValueHolder } from "../../model/erasing.ts";
import type { HistoryStart } from "../changes.ts";
import type { ClickStore, IdentityChunk, IdentityProbes } from "../click-store.ts";
import { assertSequences } from "../commit-sequences.ts";
import { newHistoryId } from "../history-id.ts";
import type { RestatedRowsQuery } from "../recomputation.ts";
import { ClickHouseReader } from "./clickhouse-reader.ts";
import type { CommitPart } from "./commit.ts";
import { blocksOf } from "./commit.ts";
import type { ClickHouseOptions, Connection } from "./connection.ts";
import { addColumns } from "./dimension-columns.ts";
import { erase, forgetErasedValues, readHolders } from "./erase.ts";
import { findIdentities, scanIdentities } from "./identities.ts";
import { readRestatedRows } from "./minutes.ts";
import { openDatabase } from "./open.ts";
import { purge, readNewestReceipts } from "./retention.ts";
import type { StoreState } from "./state.ts";
import { applyToState, loadState, progressOf } from "./state.ts";
import { assertNotOvertaken, beginTenure, readTenures, takenOver } from "./tenures.ts";

/** What goes together is one insert a table; so many rows of clicks are some 50 MB, and take half a second to build. */
const rowsTogetherMax = 200_000;

export interface ClickHouseStoreOptions extends ClickHouseOptions {
  /**
   * What is dropped goes so long after its commit: processes that follow must have seen by then that it is dropped, or have
   * seen that they see nothing. 0, the default: nobody follows.
   */
  readonly purgeAfterMs?: number;
}

/** Opens the store, makes it where there is none. Rejects with `data_format_newer` or `store_unavailable`. */
export async function openClickHouseStore(
  options: ClickHouseStoreOptions,
): Promise<ClickHouseStore> {
  await using resources = new AsyncDisposableStack();
  const { connection, id } = await openDatabase(options);
  resources.use(connection);
  await forgetErasedValues(connection);
  const state = await loadState(connection, await readTenures(connection));
  resources.move();
  return new ClickHouseStore(connection, id, state, options.purgeAfterMs ?? 0);
}

class ClickHouseStore extends ClickHouseReader implements ClickStore {
  /** Another where the database was made anew under its name. */
  readonly databaseId: string;
  private readonly purgeAfterMs: number;
  private readonly turns = new Turns();
  /** Tells this process's tenures from those of others. */
  private readonly owner = randomUUID();
  /** Undefined until the first commit, and after one whose fate is unknown. */
  private epoch: number | undefined;
  /** Under which a commit may be through that seemed to have failed. */
  private lastEpoch: number | undefined;
  /** Sequence of the last commit that was ever begun to be written. */
  private lastWritten = 0;
  /** The last try did, or its fate is unknown. */
  private hasFailed = false;
  /** Of the history that the next commit begins; undefined where one has begun it. */
  private newHistoryId: string | undefined = newHistoryId();

  constructor(connection: Connection, databaseId: string, state: StoreState, purgeAfterMs: number) {
    super(connection, state);
    this.databaseId = databaseId;
    this.purgeAfterMs = purgeAfterMs;
  }

  commit(...commits: readonly [Commit, ...Commit[]]): Promise<number> {
    return this.turns.take(async () => {
      const { state } = this;
      assertSequences(commits, state.sequence);
      const known = commits.filter(({ sequence }) => sequence <= state.sequence);
      if (known.length > 0) return known.length;
      if (this.epoch === undefined) await this.beginTenure();
      const found = lastOf(state) - state.sequence;
      // After a failure one alone: it must not wait for another that may never go through.
      const together = this.hasFailed ? commits.slice(0, 1) : togetherOf(commits);
      const parts = (found > 0 ? commits.slice(0, found) : together).map((commit, i) => ({
        commit,
        history: this.historyOf(commit, i === 0),
      }));
      if (found === 0) await this.write(parts);
      for (const { commit, history } of parts) applyToState(state, commit, history);
      this.newHistoryId = undefined;
      return parts.length;
    });
  }

  /** May find commits that seemed to have failed. */
  private async beginTenure(): Promise<void> {
    const { connection, state, owner } = this;
    // Who was overtaken must not overtake in its turn.
    if (this.lastEpoch !== undefined) await assertNotOvertaken(connection, this.lastEpoch, owner);
    const { epoch, before } = await beginTenure(connection, owner);
    const last = before.at(-1) ?? { epoch: 0, lastSequence: 0 };
    const isOwn = last.epoch === this.lastEpoch && last.lastSequence <= this.lastWritten;
    if (last.lastSequence !== state.sequence && !(isOwn && last.lastSequence > state.sequence))
      throw takenOver(connection, { last: last.lastSequence, own: state.sequence });
    state.tenures = before;
    this.epoch = epoch;
    this.lastEpoch = epoch;
  }

  /**
   * All at one stroke. A failure leaves their fate unknown: the next try begins a tenure, which finds out, and makes void what is
   * left of this one.
   */
  private async write(parts: readonly CommitPart[]): Promise<void> {
    const { connection, state } = this;
    const epoch = this.epoch!;
    this.hasFailed = true;
    // What can't be made is refused before anything is written.
    const { facts, marks } = blocksOf(parts, epoch, state.dictionaries);
    const lastSequence = parts.at(-1)!.commit.sequence;
    this.epoch = undefined;
    this.lastWritten = lastSequence;
    for (const { commit } of parts) await addColumns(connection, state, commit);
    for (const { commit } of parts) await erase(connection, state, commit.erasures);
    const inserts = [...facts].map(async ([table, blocks]) => {
      for (const block of blocks) await connection.insert(table, block);
    });
    await Promise.allSettled(inserts);
    await Promise.all(inserts);
    await connection.insert("commit_log", marks);
    await assertNotOvertaken(connection, epoch, this.owner);
    this.epoch = epoch;
    this.hasFailed = false;
    const earlier = state.tenures.filter((tenure) => tenure.epoch !== epoch);
    state.tenures = [...earlier, { epoch, lastSequence }];
  }

  private historyOf(commit: Commit, isFirst: boolean): HistoryStart | undefined {
    const startsOver = movesCounts(commit);
    // Kept until the commit is through: given again, it must not tell another id than what may be written already.
    if (startsOver) this.newHistoryId ??= newHistoryId();
    const id = isFirst ? this.newHistoryId : undefined;
    if (id === undefined) return undefined;
    return { firstSequence: commit.sequence, id, startsOver };
  }

  /** Minute rows are added up when they are read. */
  async compact(): Promise<void> {}

  /** A commit is synced once it is through; and it stays so once this process may commit, which settles what is through. */
  checkpoint(): Promise<PartitionProgress[]> {
    return this.turns.take(async () => {
      if (this.lastEpoch === undefined) await this.beginTenure();
      return progressOf(this.state);
    });
  }

  async purge(): Promise<void> {
    const dropped = [...this.state.droppedDays];
    if (dropped.length === 0) return;
    if (this.purgeAfterMs > 0) await timeout(this.purgeAfterMs);
    // Who has clicks of these days is a question of now.
    await this.turns.take(() => purge(this.connection, this.view(), dropped));
  }

  scanIdentities(fromMs: number, toMs: number): AsyncIterable<IdentityChunk> {
    return scanIdentities(this.connection, this.view(), fromMs, toMs);
  }

  findIdentities(probes: IdentityProbes): Promise<Uint8Array> {
    return findIdentities(this.connection, this.view(), probes);
  }

  restatedRows(query: RestatedRowsQuery): Promise<MinuteChanges> {
    return readRestatedRows(this.connection, this.view(), query);
  }

  newestReceipts(partition: number, beforeDay: number): Promise<readonly DayReceipt[]> {
    return readNewestReceipts(this.connection, this.view(), partition, beforeDay);
  }

  holders(query: HoldersQuery): Promise<readonly ValueHolder[]> {
    return readHolders(this.connection, this.view(), query);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.turns.take(() => super[Symbol.asyncDispose]());
  }
}

/**
 * The first commits that are written as one. Erasing changes rows that are there, which has to come after all that is before it
 * and before all that is behind it.
 */
function togetherOf(commits: readonly Commit[]): readonly Commit[] {
  let rowCount = 0;
  const end = commits.findIndex((commit, i) => {
    rowCount += rowsOf(commit);
    const isAlone = commit.erasures.length + (commits[i - 1]?.erasures.length ?? 0) > 0;
    return i > 0 && (isAlone || rowCount > rowsTogetherMax);
  });
  return end === -1 ? commits : commits.slice(0, end);
}

/** Of the tables that may get many. */
function rowsOf({ clicks, minutes, restatements, outcomeChanges, dictionaries }: Commit): number {
  return (
    clicks.reduce((sum, { batch }) => sum + batch.rowCount, 0) +
    minutes.rowCount +
    restatements.length +
    outcomeChanges.length +
    dictionaries.reduce((sum, { values }) => sum + values.length, 0)
  );
}

/** Of the tenures: may be ahead of what was told, where commits were through that seemed to have failed. */
function lastOf({ tenures }: StoreState): number {
  return tenures.at(-1)?.lastSequence ?? 0;
}
