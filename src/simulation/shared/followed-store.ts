/** The FollowedStore port over the tables of a shared database. */

import type { Commit, PartitionProgress } from "../../model/commit.ts";
import type { DictionaryView } from "../../model/dictionary-view.ts";
import { CodedError } from "../../model/errors.ts";
import type { FollowedStore } from "../../store/followed-store.ts";
import type { OpenFollowedOptions } from "../../store/ordered/ordered-database.ts";
import { voidCommit } from "../../store/ordered/void-commit.ts";
import type { Steps } from "../world/process.ts";
import { SharedReader } from "./shared-reader.ts";
import type { SimulatedTables } from "./simulated-tables.ts";
import { gathered, markTable } from "./written-rows.ts";

/** So few that most who were away take them in pieces. */
const commitsMax = 3;

export class SimulatedFollowedStore extends SharedReader implements FollowedStore {
  private readonly options: OpenFollowedOptions;
  private readonly reached: Map<number, PartitionProgress>;

  constructor(tables: SimulatedTables, steps: Steps, options: OpenFollowedOptions) {
    const { order } = options.reader;
    super(tables, steps, order, order.settledThrough);
    this.options = options;
    this.reached = new Map(this.contents.progress);
  }

  get dictionary(): DictionaryView {
    return this.dictionaries.view;
  }

  get secret(): Uint8Array {
    return this.options.secret;
  }

  get hasMore(): boolean {
    return this.options.decided.length > 0;
  }

  async newer(): Promise<readonly Commit[]> {
    const { reader, decided } = this.options;
    await reader.readAll();
    if (decided.length === 0) return [];
    await this.steps.step("load");
    return decided.splice(0, commitsMax).map(({ sequence, range, counts }) => {
      const { partition } = range;
      const nothing = voidCommit(sequence, range, this.reached.get(partition));
      this.known = sequence;
      if (!counts) return nothing;
      const rows = this.tables.rowsOf(sequence);
      if (!rows.some(({ table }) => table === markTable))
        throw new CodedError("data_corrupt", `commit ${sequence} counts and is not there`);
      const dictionaries = this.learn(sequence);
      const { commit } = gathered(nothing, rows, this.keyOf);
      this.reached.set(partition, commit.progress);
      // What nobody who follows is told of.
      const untold = {
        clicks: [],
        adAttributes: [],
        operations: [],
        outcomeChanges: [],
        duplicateConflicts: 0,
      };
      return Object.assign(commit, untold, { dictionaries });
    });
  }

  async sizeBytes(): Promise<number> {
    return 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.options.reader.log[Symbol.asyncDispose]();
  }
}
