import type { Commit } from "../model/commit.ts";
import type { DictionaryView } from "../model/dictionary-view.ts";
import type { Filter } from "../model/filter.ts";
import type { MinuteRange } from "../model/window.ts";
import type {
  AggregateQuery,
  ClickStoreReader,
  RecoveredState,
  Snapshot,
} from "../store/click-store.ts";
import { AppliedCommits } from "./applied-commits.ts";
import { ConfigHistory } from "./config-history.ts";
import { FinalityReader } from "./finality.ts";
import { HotMinutes } from "./hot-minutes.ts";
import { storeQuery } from "./plan.ts";
import type { QueryView, StoreQueryParts } from "./query-view.ts";
import { RestatedBuckets } from "./restated-buckets.ts";

export interface QueryStateOptions {
  readonly store: ClickStoreReader;
  /** Holds every entry of a commit before the commit is applied. */
  readonly dictionary: DictionaryView;
  readonly recovered: Pick<RecoveredState, "sequence" | "progress" | "configs"> &
    Partial<Pick<RecoveredState, "layoutChanges">>;
  /** The service's watermark is that of the slowest partition; one without progress has none. */
  readonly partitionCount: number;
  /** Memory for recent minutes. */
  readonly hotBytesMax: number;
}

/** The store and what is kept of it in memory, which `apply` moves on from commit to commit. */
export class QueryState implements QueryView {
  readonly store: ClickStoreReader;
  readonly dictionary: DictionaryView;
  readonly configs: ConfigHistory;
  readonly applied: AppliedCommits;
  readonly hot: HotMinutes;
  readonly restated: RestatedBuckets;
  readonly visibility = undefined;
  readonly partitionCount: number;

  private constructor({
    store,
    dictionary,
    recovered,
    partitionCount,
    hotBytesMax,
  }: QueryStateOptions) {
    this.store = store;
    this.dictionary = dictionary;
    this.configs = new ConfigHistory(recovered.configs, recovered.layoutChanges, partitionCount);
    this.applied = new AppliedCommits(recovered.sequence, recovered.progress);
    this.hot = new HotMinutes({ dictionary, configs: this.configs, bytesMax: hotBytesMax });
    this.restated = new RestatedBuckets(store, dictionary, recovered.sequence);
    this.partitionCount = partitionCount;
  }

  /** Loads recent minutes from the store, to which nothing may be committed meanwhile. */
  static async open(options: QueryStateOptions): Promise<QueryState> {
    const state = new QueryState(options);
    await state.hot.load(options.store);
    await state.restated.load();
    await state.applied.load(options.store);
    return state;
  }

  apply(commit: Commit): void {
    for (const config of commit.configs) this.configs.add(config);
    this.configs.addChanges(commit.layoutChanges);
    this.hot.apply(commit);
    for (const { toMinute } of commit.layoutChanges) this.hot.dropDetailBefore(toMinute);
    this.restated.apply(commit);
    this.applied.apply(commit);
  }

  /** As of the last commit applied. */
  get snapshot(): Snapshot {
    return this.applied.snapshot;
  }

  seen(result: Snapshot): Snapshot {
    return result;
  }

  finality(snapshot: Snapshot): FinalityReader {
    return new FinalityReader(snapshot, this.partitionCount, this.configs);
  }

  storeQuery(
    range: MinuteRange,
    filter: Filter | undefined,
    rest: StoreQueryParts,
  ): AggregateQuery {
    return storeQuery(this.configs, range, filter, rest);
  }
}
