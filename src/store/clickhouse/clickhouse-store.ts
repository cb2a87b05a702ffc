/** The ClickStore port over a ClickHouse database. */

import { randomUUID } from "node:crypto";
import { setTimeout as timeout } from "node:timers/promises";
import { Turns } from "../../clock/turns.ts";
import type { Commit, MinuteChanges, PartitionProgress } from "../../model/commit.ts";
import { movesCounts } from "../../model/commit.ts";
import type { DayReceipt } from "../../model/dropped-days.ts";
import type { HoldersQuery, ValueHolder } from "../../model/erasing.ts";
import { CodedError } from "../../model/errors.ts";
import type { HistoryStart } from "../changes.ts";
import type { ClickStore, IdentityChunk, IdentityProbes } from "../click-store.ts";
import { newHistoryId } from "../history-id.ts";
import type { RestatedRowsQuery } from "../recomputation.ts";
import { ClickHouseReader } from "./clickhouse-reader.ts";
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
  /** Of the history that the next commit begins; undefined where one has begun it. */
  private newHistoryId: string | undefined = newHistoryId();

  constructor(connection: Connection, databaseId: string, state: StoreState, purgeAfterMs: number) {
    super(connection, state);
    this.databaseId = databaseId;
    this.purgeAfterMs = purgeAfterMs;
  }

  commit(commit: Commit): Promise<void> {
    return this.turns.take(async () => {
      const { state } = this;
      if (this.isThrough(commit)) return;
      const history = this.historyOf(commit);
      if (this.epoch === undefined) await this.beginTenure();
      if (commit.sequence > lastOf(state)) await this.write(commit, history);
      applyToState(state, commit, history);
      this.newHistoryId = undefined;
    });
  }

  private isThrough({ sequence }: Commit): boolean {
    const { sequence: last } = this.state;
    if (sequence <= last) return true;
    if (sequence === last + 1) return false;
    throw new CodedError(
      "data_corrupt",
      `commit ${sequence} given to a store whose last commit is ${last}`,
    );
  }

  /** May find the last commit that seemed to have failed. */
  private async beginTenure(): Promise<void> {
    const { connection, state, owner } = this;
    // Who was overtaken must not overtake in its turn.
    if (this.lastEpoch !== undefined) await assertNotOvertaken(connection, this.lastEpoch, owner);
    const { epoch, before } = await beginTenure(connection, owner);
    const last = before.at(-1);
    const ahead = (last?.lastSequence ?? 0) - state.sequence;
    if (ahead < 0 || ahead > 1 || (ahead === 1 && last!.epoch !== this.lastEpoch))
      throw takenOver(connection, { last: last?.lastSequence ?? 0, own: state.sequence });
    state.tenures = before;
    this.epoch = epoch;
    this.lastEpoch = epoch;
  }

  /** A failure leaves its fate unknown: the next try begins a tenure, which finds out, and makes void what is left of this one. */
  private async write(commit: Commit, history: HistoryStart | undefined): Promise<void> {
    const { connection, state } = this;
    const epoch = this.epoch!;
    // What can't be made is refused before anything is written.
    const { facts, mark } = blocksOf(commit, epoch, state.dictionaries, history);
    this.epoch = undefined;
    await addColumns(connection, state, commit);
    await erase(connection, state, commit.erasures);
    const inserts = [...facts].map(([table, block]) => connection.insert(table, block));
    await Promise.allSettled(inserts);
    await Promise.all(inserts);
    await connection.insert("commit_log", mark);
    await assertNotOvertaken(connection, epoch, this.owner);
    this.epoch = epoch;
    const earlier = state.tenures.filter((tenure) => tenure.epoch !== epoch);
    state.tenures = [...earlier, { epoch, lastSequence: commit.sequence }];
  }

  private historyOf(commit: Commit): HistoryStart | undefined {
    const startsOver = movesCounts(commit);
    // Kept until the commit is through: given again, it must not tell another id than what may be written already.
    if (startsOver) this.newHistoryId ??= newHistoryId();
    const id = this.newHistoryId;
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

/** Of the tenures: may be one commit ahead of what was told, where one was through that seemed to have failed. */
function lastOf({ tenures }: StoreState): number {
  return tenures.at(-1)?.lastSequence ?? 0;
}
