import type { Filter } from "../model/filter.ts";
import type { MinuteRange } from "../model/window.ts";
import type {
  AggregateQuery,
  AggregateResult,
  ClicksPage,
  ClicksQuery,
  JournalSums,
  JournalSumsQuery,
  Snapshot,
} from "../store/click-store.ts";
import type { ClosedPeriod } from "../store/closed-periods.ts";
import type { ConfigHistory } from "./config-history.ts";
import type { FinalityReader, RestatedView } from "./finality.ts";
import type { HotMinutes } from "./hot-minutes.ts";
import type { DimensionLayout } from "../model/dimensions.ts";
import type { KeptData } from "./kept-data.ts";

/** What of a query follows neither from its range and filter nor from what may be seen. */
export type AggregateParts = Omit<
  AggregateQuery,
  "source" | "fromMinute" | "toMinute" | "filter" | "visibility"
>;

/**
 * What an answer is computed from: the present (QueryState), or an earlier commit (PastState). Of what is closed it shows the
 * numbers that were sealed. Results of the store come as of the view's commit.
 */
export interface QueryView {
  readonly kept: KeptData;
  /** The dimension layouts of what may be seen of the range. */
  layouts(range: MinuteRange): readonly DimensionLayout[];
  /** Those that were known then. */
  readonly configs: ConfigHistory;
  /** Recent minutes in memory, none of them closed; only of the present. */
  readonly hot: HotMinutes | undefined;
  /** What `hot` answers as of, and what ranges are resolved by. */
  readonly snapshot: Snapshot;
  /** From the source that the fields and the range allow. */
  aggregate(
    range: MinuteRange,
    filter: Filter | undefined,
    parts: AggregateParts,
  ): Promise<AggregateResult>;
  clicks(query: Omit<ClicksQuery, "visibility">): Promise<ClicksPage>;
  finality(snapshot: Snapshot): FinalityReader;
  /** Ascending. */
  closedPeriods(snapshot: Snapshot): readonly ClosedPeriod[];
  /** What of the range (of one ad where given) was restated, as of this snapshot. */
  restated(range: MinuteRange, snapshot: Snapshot, adId: string | undefined): Promise<RestatedView>;
  journalSums(
    query: Omit<JournalSumsQuery, "visibility" | "asOf">,
    snapshot: Snapshot,
  ): Promise<readonly JournalSums[]>;
}
