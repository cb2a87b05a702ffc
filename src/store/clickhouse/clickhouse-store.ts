/** The ClickStore port over a ClickHouse database, for a process that counts some partitions. */

import { setTimeout as timeout } from "node:timers/promises";
import { Turns } from "../../clock/turns.ts";
import type { Commit, MinuteChanges, PartitionProgress } from "../../model/commit.ts";
import { movesCounts } from "../../model/commit.ts";
import { CodedError } from "../../model/errors.ts";
import type { Member } from "../../order/member.ts";
import type { CommitRange } from "../../order/order-record.ts";
import type { DayReceipt } from "../../model/dropped-days.ts";
import type { HoldersQuery, ValueHolder } from "../../model/erasing.ts";
import type { HistoryStart } from "../changes.ts";
import type { ClickStore, IdentityChunk, IdentityProbes } from "../click-store.ts";
import { assertSequences } from "../commit-sequences.ts";
import { newHistoryId } from "../history-id.ts";
import type { RestatedRowsQuery } from "../recomputation.ts";
import { ClickHouseReader } from "./clickhouse-reader.ts";
import type { CommitPart } from "./commit.ts";
import { blocksOf, textsOf } from "./commit.ts";
import type { Database } from "./database.ts";
import { addColumns } from "./dimension-columns.ts";
import { erase, readHolders } from "./erase.ts";
import { readDroppedDays } from "./facts.ts";
import { findIdentities, scanIdentities } from "./identities.ts";
import { readRestatedRows } from "./minutes.ts";
import { OrderSnapshots } from "./order-snapshot.ts";
import { purge, readNewestReceipts } from "./retention.ts";
import type { StoreState } from "./state.ts";
import { applyToState, progressOf } from "./state.ts";

/** What goes together is one insert a table; so many rows of clicks are some 50 MB, and take half a second to build. */
const rowsTogetherMax = 200_000;

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

export class ClickHouseStore extends ClickHouseReader implements ClickStore {
  private readonly options: CountingOptions;
  private readonly turns = new Turns();
  /** The last try did, or its fate is unknown. */
  private hasFailed = false;
  /** What may be through, though it seemed to have failed. */
  private unknown: readonly CommitPart[] = [];
  /** Of what it is given, which gets another sequence in the order of commits. */
  private lastGiven: number;
  /** Of the history that the next commit begins; undefined where one has begun it. */
  private newHistoryId: string | undefined = newHistoryId();
  private readonly snapshots: OrderSnapshots;

  constructor(options: CountingOptions) {
    super(options.database, options.state);
    this.options = options;
    this.lastGiven = options.state.sequence;
    this.snapshots = new OrderSnapshots(options.database, options.member.reader);
  }

  commit(...commits: readonly [Commit, ...Commit[]]): Promise<number> {
    return this.turns.take(async () => {
      assertSequences(commits, this.lastGiven);
      const known = commits.filter(({ sequence }) => sequence <= this.lastGiven);
      if (known.length > 0) return known.length;
      const parts = (await this.found()) ?? (await this.write(this.togetherOf(commits)));
      for (const { commit, history } of parts) applyToState(this.state, commit, history);
      this.lastGiven += parts.length;
      this.newHistoryId = undefined;
      this.hasFailed = false;
      return parts.length;
    });
  }

  /** What seemed to have failed, where it is through. */
  private async found(): Promise<readonly CommitPart[] | undefined> {
    const { unknown } = this;
    if (unknown.length === 0) return undefined;
    await this.options.member.settle();
    this.unknown = [];
    return this.areThrough(unknown) ? unknown : undefined;
  }

  /**
   * All at one stroke: under sequences that are reserved for it, and that count once it is said to be done. What has failed
   * is given up at once, for others wait until it is decided.
   */
  private async write(parts: readonly CommitPart[]): Promise<readonly CommitPart[]> {
    const { member } = this.options;
    this.hasFailed = true;
    const reserved = await member.reserve(rangesOf(this.state, parts));
    if (reserved.length < parts.length) throw takenOver();
    const own = parts.map((part, i) => numbered(part, reserved[i]!.sequence));
    try {
      await this.insert(own);
    } catch (error) {
      await member.abandon().catch(() => {});
      throw error;
    }
    this.unknown = own;
    await member.done(reserved);
    this.unknown = [];
    if (!this.areThrough(own)) throw takenOver();
    return own;
  }

  private async insert(parts: readonly CommitPart[]): Promise<void> {
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

  /** Throws where some are of partitions that it has lost since they were read: what it has of them is not all. */
  private areThrough(parts: readonly CommitPart[]): boolean {
    const { member, terms } = this.options;
    const now = member.terms;
    for (const { commit } of parts) {
      const { partition } = commit.progress;
      if (now.get(partition) !== terms.get(partition)) throw takenOver();
    }
    return parts.every(({ commit: { progress } }) => {
      const end = member.reader.order.endOf(progress.partition);
      return end >= progress.nextOffset;
    });
  }

  /** After a failure one alone: it must not wait for another that may never go through. */
  private togetherOf(commits: readonly Commit[]): readonly CommitPart[] {
    const together = this.hasFailed ? commits.slice(0, 1) : togetherOf(commits);
    return together.map((commit, i) => ({ commit, history: this.historyOf(commit, i === 0) }));
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

  /** A commit is synced once it counts, and counts for good. */
  checkpoint(): Promise<PartitionProgress[]> {
    return this.turns.take(async () => {
      await this.snapshots.writeNow();
      return progressOf(this.state).filter(({ partition }) => this.options.terms.has(partition));
    });
  }

  async purge(): Promise<void> {
    const { purgeAfterMs } = this.options;
    if (this.state.droppedDays.length === 0) return;
    if (purgeAfterMs > 0) await timeout(purgeAfterMs);
    // Who has clicks of these days, and who has dropped them, are questions of now.
    await this.turns.take(async () => {
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

/** What they apply of their partitions: each goes on where the one before it ends. */
function rangesOf({ progress }: StoreState, parts: readonly CommitPart[]): CommitRange[] {
  const ends = new Map([...progress].map(([partition, { nextOffset }]) => [partition, nextOffset]));
  return parts.map(({ commit: { progress: own } }) => {
    const { partition, nextOffset } = own;
    const fromOffset = ends.get(partition) ?? 0;
    ends.set(partition, nextOffset);
    return { partition, fromOffset, nextOffset };
  });
}

function numbered({ commit, history }: CommitPart, sequence: number): CommitPart {
  return {
    commit: { ...commit, sequence },
    history: history && { ...history, firstSequence: sequence },
  };
}

function takenOver(): CodedError {
  return new CodedError(
    "store_taken_over",
    "another process counts a partition that this one has begun to commit",
  );
}
