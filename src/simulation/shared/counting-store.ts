/** The ClickStore port over the tables of a shared database, for a process that counts some partitions: by the real protocol. */

import type { Commit, PartitionProgress } from "../../model/commit.ts";
import type { CommitPart } from "../../store/ordered/commit-part.ts";
import type { CountingStore, OpenCountingOptions } from "../../store/ordered/ordered-database.ts";
import type { OrderedTables } from "../../store/ordered/ordered-commits.ts";
import { OrderedCommits } from "../../store/ordered/ordered-commits.ts";
import { OrderSnapshots } from "../../store/ordered/order-snapshots.ts";
import { textsOf } from "../../store/ordered/texts-of.ts";
import { progressOf } from "../store/tables.ts";
import type { Steps } from "../world/process.ts";
import { SharedReader } from "./shared-reader.ts";
import type { SimulatedTables } from "./simulated-tables.ts";
import { writtenRows } from "./written-rows.ts";

/** So few that who sleeps finds the log trimmed beyond what it has read. */
const snapshotLimits = { recordsBetween: 20, recordsKept: 60 };

export class SimulatedCountingStore extends SharedReader implements CountingStore, OrderedTables {
  private readonly options: OpenCountingOptions;
  private readonly commits: OrderedCommits;
  private readonly snapshots: OrderSnapshots;

  constructor(tables: SimulatedTables, steps: Steps, options: OpenCountingOptions) {
    const { reader } = options.member;
    super(tables, steps, reader.order, reader.order.settledThrough);
    this.options = options;
    this.commits = new OrderedCommits({ ...options, tables: this });
    this.snapshots = new OrderSnapshots(
      reader,
      (snapshot) =>
        this.steps.step("insert", () => {
          const { offset = -1 } = tables.orderSnapshot ?? {};
          if (snapshot.offset > offset) tables.orderSnapshot = snapshot;
        }),
      snapshotLimits,
    );
  }

  commit(...commits: readonly [Commit, ...Commit[]]): Promise<number> {
    return this.commits.commit(...commits);
  }

  endOf(partition: number): number {
    return this.contents.progress.get(partition)?.nextOffset ?? 0;
  }

  /** One insert a table, beside one another, each of which may come to nothing. */
  async insert(parts: readonly CommitPart[]): Promise<void> {
    const textOf = textsOf(parts, this.dictionaries);
    const written = parts.flatMap((part) =>
      writtenRows(part, textOf).map((rows) => ({ sequence: part.commit.sequence, rows })),
    );
    const inserts = [...Map.groupBy(written, ({ rows }) => rows.table).values()].map((together) =>
      this.steps.step("insert", () => {
        for (const { sequence, rows } of together) this.tables.insert(sequence, rows);
      }),
    );
    await Promise.allSettled(inserts);
    await Promise.all(inserts);
  }

  apply({ commit }: CommitPart): void {
    for (const growth of commit.dictionaries) this.dictionaries.grow(growth);
    this.known = commit.sequence;
  }

  /** Minute rows are added up when they are read. */
  async compact(): Promise<void> {}

  /** Days are not dropped in these histories. */
  async purge(): Promise<void> {}

  checkpoint(): Promise<PartitionProgress[]> {
    return this.commits.between(async () => {
      await this.snapshots.writeNow();
      const { terms } = this.options;
      return progressOf(this.contents).filter(({ partition }) => terms.has(partition));
    });
  }

  async sizeBytes(): Promise<number> {
    return 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.commits.between(async () => {});
  }
}
