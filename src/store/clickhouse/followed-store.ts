/** The FollowedStore port over a ClickHouse database: reads what the process that counts has committed. */

import { CodedError } from "../../model/errors.ts";
import type { Commit } from "../../model/commit.ts";
import type { DictionaryView } from "../../model/dictionary-view.ts";
import type { FollowedStore } from "../followed-store.ts";
import { ClickHouseReader } from "./clickhouse-reader.ts";
import type { ClickHouseOptions } from "./connection.ts";
import { Connection } from "./connection.ts";
import { findDatabase, readId } from "./open.ts";
import { readNewCommits } from "./new-commits.ts";
import type { StoreState } from "./state.ts";
import { applyToState, loadState, readDimensions } from "./state.ts";
import type { Tenure } from "./tenures.ts";
import { readSettledTenures } from "./tenures.ts";

/** What asks for newer commits all the time has small answers to wait for. */
const lookSilenceMsMax = 5_000;

/** Rejects with `store_unavailable` where it is away, not made yet, or where it is being settled who commits. */
export async function followClickHouseStore(options: ClickHouseOptions): Promise<FollowedStore> {
  await using resources = new AsyncDisposableStack();
  const { connection, id } = await findDatabase(options);
  resources.use(connection);
  const looking = resources.use(new Connection({ ...options, silenceMsMax: lookSilenceMsMax }));
  const tenures = await readSettledTenures(connection, []);
  if (!tenures)
    throw new CodedError(
      "store_unavailable",
      `another process is just taking over the database ${options.database}`,
    );
  const state = await loadState(connection, tenures);
  resources.move();
  return new FollowedClickHouseStore(connection, looking, id, state);
}

class FollowedClickHouseStore extends ClickHouseReader implements FollowedStore {
  /** Those of the state, or newer ones whose commits are not all read yet. */
  private settled: readonly Tenure[];
  private readonly looking: Connection;
  private readonly databaseId: string;

  constructor(connection: Connection, looking: Connection, databaseId: string, state: StoreState) {
    super(connection, state);
    this.looking = looking;
    this.databaseId = databaseId;
    this.settled = state.tenures;
  }

  get dictionary(): DictionaryView {
    return this.state.dictionaries.view;
  }

  get hasMore(): boolean {
    return lastOf(this.settled) > this.state.sequence;
  }

  async newer(): Promise<readonly Commit[]> {
    const { looking, state } = this;
    if ((await readId(looking)) !== this.databaseId)
      throw new CodedError(
        "data_corrupt",
        `the database ${looking.database} is not the one that was read, but one that was made anew`,
      );
    if (lastOf(this.settled) === state.sequence) {
      const found = await readSettledTenures(looking, this.settled);
      if (!found || lastOf(found) === state.sequence) return [];
      this.settled = found;
    }
    // They may have values of dimensions that no commit had before; columns that nobody asks for do no harm.
    Object.assign(state, await readDimensions(looking));
    const { commits, histories, hasOutcomeChanges } = await readNewCommits(
      looking,
      state,
      this.settled,
      lastOf(this.settled),
    );
    state.tenures = this.settled;
    state.hasOutcomeChanges ||= hasOutcomeChanges;
    for (const commit of commits) applyToState(state, commit, histories.get(commit.sequence));
    return commits;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.looking[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
  }
}

function lastOf(tenures: readonly Tenure[]): number {
  return tenures.at(-1)?.lastSequence ?? 0;
}
