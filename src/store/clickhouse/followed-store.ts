/** The FollowedStore port over a ClickHouse database: reads what the processes that count have committed. */

import { CodedError } from "../../model/errors.ts";
import type { Commit } from "../../model/commit.ts";
import type { DictionaryView } from "../../model/dictionary-view.ts";
import type { Decision } from "../../order/commit-order.ts";
import type { OrderReader } from "../../order/order-reader.ts";
import type { FollowedStore } from "../followed-store.ts";
import { ClickHouseReader } from "./clickhouse-reader.ts";
import type { Database } from "./database.ts";
import { readIds } from "./open.ts";
import { readNewCommits } from "./new-commits.ts";
import type { StoreState } from "./state.ts";
import { applyToState, readDimensions } from "./state.ts";

export interface FollowedOptions {
  readonly database: Database;
  /** For what is asked all the time. */
  readonly looking: Database;
  /** Of the database whose commits the order tells. */
  readonly databaseId: string;
  readonly secret: Uint8Array;
  readonly reader: OrderReader;
  /** What was decided behind the state, oldest first; grows as the reader reads. */
  readonly decided: Decision[];
  readonly state: StoreState;
}

export class FollowedClickHouseStore extends ClickHouseReader implements FollowedStore {
  private readonly options: FollowedOptions;

  constructor(options: FollowedOptions) {
    super(options.database, options.state);
    this.options = options;
  }

  get dictionary(): DictionaryView {
    return this.state.dictionaries.view;
  }

  get secret(): Uint8Array {
    return this.options.secret;
  }

  get hasMore(): boolean {
    return this.options.decided.length > 0;
  }

  async newer(): Promise<readonly Commit[]> {
    const { looking, reader, decided, databaseId } = this.options;
    const { state } = this;
    // Also where there is nothing new: who asks wants to know whether the store is there.
    if (!(await readIds(looking)).includes(databaseId))
      throw new CodedError(
        "data_corrupt",
        `the database ${looking.name} is not the one that was read, but one that was made anew`,
      );
    await reader.readAll();
    if (decided.length === 0) return [];
    // They may have values of dimensions that no commit had before; columns that nobody asks for do no harm.
    Object.assign(state, await readDimensions(looking));
    const { commits, histories, hasOutcomeChanges } = await readNewCommits(looking, state, decided);
    decided.splice(0, commits.length);
    state.hasOutcomeChanges ||= hasOutcomeChanges;
    for (const commit of commits) applyToState(state, commit, histories.get(commit.sequence));
    return commits;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.options.looking[Symbol.asyncDispose]();
    await this.options.reader.log[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
  }
}
