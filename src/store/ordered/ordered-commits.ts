/**
 * Commits to tables that several processes write to, by the order that decides which of them count (order/commit-order.ts):
 * reserve, write, say that it is done. What has failed is given up at once, for others wait until it is decided.
 */

import { Turns } from "../../clock/turns.ts";
import type { Commit } from "../../model/commit.ts";
import { movesCounts } from "../../model/commit.ts";
import { CodedError } from "../../model/errors.ts";
import type { Member } from "../../order/member.ts";
import type { CommitRange } from "../../order/order-record.ts";
import type { HistoryStart } from "../changes.ts";
import { assertSequences } from "../commit-sequences.ts";
import { newHistoryId } from "../history-id.ts";
import type { CommitPart } from "./commit-part.ts";

/** What goes together is one insert a table; so many rows of clicks are some 50 MB, and take half a second to build. */
const rowsTogetherMax = 200_000;

/** The tables as this process has them. */
export interface OrderedTables {
  /** Of the last commit that it knows. */
  readonly sequence: number;
  /** How far they go; 0 for a partition that they know nothing of. */
  endOf(partition: number): number;
  /** Writes the rows of the parts under their sequences. Where it rejects some may be there, and more may still come. */
  insert(parts: readonly CommitPart[]): Promise<void>;
  /** Takes in what counts, in its order. */
  apply(part: CommitPart): void;
}

export interface OrderedCommitsOptions {
  readonly member: Member;
  /** What it counts, see CommitOrder: as of the tables. */
  readonly terms: ReadonlyMap<number, number>;
  readonly tables: OrderedTables;
}

export class OrderedCommits {
  private readonly options: OrderedCommitsOptions;
  private readonly turns = new Turns();
  /** The last try did, or its fate is unknown. */
  private hasFailed = false;
  /** What may be through, though it seemed to have failed. */
  private unknown: readonly CommitPart[] = [];
  /** Of what it is given, which gets another sequence in the order of commits. */
  private lastGiven: number;
  /** Of the history that the next commit begins; undefined where one has begun it. */
  private newHistoryId: string | undefined = newHistoryId();

  constructor(options: OrderedCommitsOptions) {
    this.options = options;
    this.lastGiven = options.tables.sequence;
  }

  /** See ClickStore. */
  commit(...commits: readonly [Commit, ...Commit[]]): Promise<number> {
    return this.turns.take(async () => {
      assertSequences(commits, this.lastGiven);
      const known = commits.filter(({ sequence }) => sequence <= this.lastGiven);
      if (known.length > 0) return known.length;
      const parts = (await this.found()) ?? (await this.write(this.togetherOf(commits)));
      for (const part of parts) this.options.tables.apply(part);
      this.lastGiven += parts.length;
      this.newHistoryId = undefined;
      this.hasFailed = false;
      return parts.length;
    });
  }

  /** Between two commits. */
  between<T>(work: () => Promise<T>): Promise<T> {
    return this.turns.take(work);
  }

  /** What seemed to have failed, where it is through. */
  private async found(): Promise<readonly CommitPart[] | undefined> {
    const { unknown } = this;
    if (unknown.length === 0) return undefined;
    await this.options.member.settle();
    this.unknown = [];
    return this.areThrough(unknown) ? unknown : undefined;
  }

  /** All at one stroke. */
  private async write(parts: readonly CommitPart[]): Promise<readonly CommitPart[]> {
    const { member, tables } = this.options;
    this.hasFailed = true;
    const reserved = await member.reserve(rangesOf(tables, parts));
    if (reserved.length < parts.length) throw takenOver();
    const own = parts.map((part, i) => numbered(part, reserved[i]!.sequence));
    try {
      await tables.insert(own);
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
function rangesOf(tables: OrderedTables, parts: readonly CommitPart[]): CommitRange[] {
  const ends = new Map<number, number>();
  return parts.map(({ commit: { progress: own } }) => {
    const { partition, nextOffset } = own;
    const fromOffset = ends.get(partition) ?? tables.endOf(partition);
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
