import type { Filter } from "../model/filter.ts";
import type { MinuteRange } from "../model/window.ts";
import type { AggregateQuery, ClickStoreReader, Snapshot } from "../store/click-store.ts";
import type { Visibility } from "../store/visibility.ts";
import type { ConfigHistory } from "./config-history.ts";
import type { FinalityReader } from "./finality.ts";
import type { HotMinutes } from "./hot-minutes.ts";
import type { RestatedBuckets } from "./restated-buckets.ts";

/** What of a query follows neither from its range and filter nor from what may be seen. */
export type StoreQueryParts = Omit<
  AggregateQuery,
  "source" | "fromMinute" | "toMinute" | "filter" | "visibility"
>;

/** What an answer is computed from: the present (QueryState), or an earlier commit (PastState). */
export interface QueryView {
  readonly store: ClickStoreReader;
  readonly restated: RestatedBuckets;
  /** Those that were known then. */
  readonly configs: ConfigHistory;
  /** Recent minutes in memory; only of the present. */
  readonly hot: HotMinutes | undefined;
  /** What `hot` answers as of, and what ranges are resolved by. */
  readonly snapshot: Snapshot;
  /** What the store's queries may see; absent: everything. */
  readonly visibility: Visibility | undefined;
  /** The state that an answer is of which the store gave in this one. */
  seen(result: Snapshot): Snapshot;
  finality(snapshot: Snapshot): FinalityReader;
  /** The store's query, with the source that its fields and range allow. */
  storeQuery(range: MinuteRange, filter: Filter | undefined, rest: StoreQueryParts): AggregateQuery;
}
