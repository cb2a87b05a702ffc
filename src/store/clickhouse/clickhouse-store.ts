/** The ClickStore port over a ClickHouse database, for a process that counts some partitions. */

import { setTimeout as timeout } from "node:timers/promises";
import type { Commit, MinuteChanges, PartitionProgress } from "../../model/commit.ts";
import type { Member } from "../../order/member.ts";
import type { DayReceipt } from "../../model/dropped-days.ts";
import type { HoldersQuery, ValueHolder } from "../../model/erasing.ts";
import type { ClickStore, IdentityChunk, IdentityProbes } from "../click-store.ts";
import type { CommitPart } from "../ordered/commit-part.ts";
import { OrderSnapshots } from "../ordered/order-snapshots.ts";
import { textsOf } from "../ordered/texts-of.ts";
import type { OrderedTables } from "../ordered/ordered-commits.ts";
import { OrderedCommits } from "../ordered/ordered-commits.ts";
import type { RestatedRowsQuery } from "../recomputation.ts";
import { ClickHouseReader } from "./clickhouse-reader.ts";
import { blocksOf } from "./commit.ts";
import type { Database } from "./database.ts";
import { addColumns } from "./dimension-columns.ts";
import { erase, readHolders } from "./erase.ts";
import { readDroppedDays } from "./facts.ts";
import { findIdentities, scanIdentities } from "./identities.ts";
import { readRestatedRows } from "./minutes.ts";
import { writeOrderSnapshot } from "./order-snapshot.ts";
import { purge, readNewestReceipts } from "./retention.ts";
import type { StoreState } from "./state.ts";
import { applyToState, progressOf } from "./state.ts";

export interface CountingOptions {
  readonly database: Database;
  readonly member: Member;
  /** What it counts, see CommitOrder: as of the state. */
  readonly terms: ReadonlyMap<number, number>;
  readonly state: StoreState;
  /**
   * What is dropped goes so long after its commit: processes that follow must have seen by then that it is dropped, or have
   * seen that they see nothing.
   */
  readonly purgeAfterMs: number;
}

export class ClickHouseStore extends ClickHouseReader implements ClickStore, OrderedTables {
  private readonly options: CountingOptions;
  private readonly commits: OrderedCommits;
  private readonly snapshots: OrderSnapshots;

  constructor(options: CountingOptions) {
    super(options.database, options.state);
    this.options = options;
    this.commits = new OrderedCommits({ ...options, tables: this });
    this.snapshots = new OrderSnapshots(options.member.reader, (snapshot) =>
      writeOrderSnapshot(options.database, snapshot),
    );
  }

  commit(...commits: readonly [Commit, ...Commit[]]): Promise<number> {
    return this.commits.commit(...commits);
  }

  get sequence(): number {
    return this.state.sequence;
  }

  endOf(partition: number): number {
    return this.state.progress.get(partition)?.nextOffset ?? 0;
  }

  async insert(parts: readonly CommitPart[]): Promise<void> {
    const { database, state } = this;
    const textOf = textsOf(parts, state.dictionaries);
    const byShard = Map.groupBy(parts, ({ commit }) => database.shardOf(commit.progress.partition));
    const rows = [...byShard].flatMap(([shard, own]) =>
      [...blocksOf(own, textOf, state.dictionaries)].map(([table, blocks]) => ({
        shard: database.shards[shard]!,
        table,
        blocks,
      })),
    );
    for (const { commit } of parts) await addColumns(database, state, commit);
    for (const { commit } of parts) await erase(database, state, commit.erasures);
    const inserts = rows.map(async ({ shard, table, blocks }) => {
      for (const block of blocks) await shard.insert(table, block);
    });
    await Promise.allSettled(inserts);
    await Promise.all(inserts);
  }

  apply({ commit, history }: CommitPart): void {
    applyToState(this.state, commit, history);
  }

  /** Minute rows are added up when they are read. */
  async compact(): Promise<void> {}

  /** A commit is synced once it counts, and counts for good. */
  checkpoint(): Promise<PartitionProgress[]> {
    return this.commits.between(async () => {
      await this.snapshots.writeNow();
      return progressOf(this.state).filter(({ partition }) => this.options.terms.has(partition));
    });
  }

  async purge(): Promise<void> {
    const { purgeAfterMs } = this.options;
    if (this.state.droppedDays.length === 0) return;
    if (purgeAfterMs > 0) await timeout(purgeAfterMs);
    // Who has clicks of these days, and who has dropped them, are questions of now.
    await this.commits.between(async () => {
      const view = this.view();
      const dropped = await readDroppedDays(this.database, view.counting);
      await purge(this.database, view, dropped);
    });
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
    await this.commits.between(() => super[Symbol.asyncDispose]());
  }
}
