import { CodedError } from "../model/errors.ts";
import type { Filter } from "../model/filter.ts";
import { formatMinute } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { AggregateQuery, ClickStoreReader, PastSnapshot } from "../store/click-store.ts";
import type { Visibility } from "../store/visibility.ts";
import { ConfigHistory } from "./config-history.ts";
import { FinalityReader } from "./finality.ts";
import { storeQuery } from "./plan.ts";
import type { QueryState } from "./query-state.ts";
import type { QueryView, StoreQueryParts } from "./query-view.ts";
import type { RestatedBuckets } from "./restated-buckets.ts";

/**
 * An earlier commit, of which everything is asked of the store. Numbers of the minutes that were final then are kept;
 * others have been added up with what came later.
 */
export class PastState implements QueryView {
  readonly hot = undefined;
  readonly store: ClickStoreReader;
  readonly restated: RestatedBuckets;
  readonly configs: ConfigHistory;
  readonly snapshot: PastSnapshot;
  readonly visibility: Visibility;
  private readonly partitionCount: number;

  private constructor(present: QueryState, snapshot: PastSnapshot) {
    this.store = present.store;
    this.restated = present.restated;
    this.partitionCount = present.partitionCount;
    this.snapshot = snapshot;
    this.configs = new ConfigHistory(snapshot.configs);
    this.visibility = { limits: [], asOf: snapshot.asOf };
  }

  /** `asOf`: of a commit that is through. */
  static async open(present: QueryState, asOf: number): Promise<PastState> {
    const snapshot = await present.store.snapshotAt(asOf);
    if (!snapshot) throw new Error(`the store has no commit ${asOf}`);
    return new PastState(present, snapshot);
  }

  seen(): PastSnapshot {
    return this.snapshot;
  }

  finality(): FinalityReader {
    return new FinalityReader(this.snapshot, this.partitionCount, this.configs);
  }

  storeQuery(
    range: MinuteRange,
    filter: Filter | undefined,
    rest: StoreQueryParts,
  ): AggregateQuery {
    const { configs, visibility } = this;
    return { ...storeQuery(configs, range, filter, rest), visibility };
  }

  /** Throws `as_of_provisional` where a bucket of the range was not final. */
  checkFinal({ toMinute }: MinuteRange): void {
    const { finalThrough } = this.finality();
    if (finalThrough !== undefined && toMinute <= finalThrough) return;
    const { asOf } = this.snapshot;
    const final =
      finalThrough === undefined ? "nothing" : `minutes before ${formatMinute(finalThrough)}`;
    throw new CodedError(
      "as_of_provisional",
      `as_of: ${final} was final at commit ${asOf}, and only numbers that were are kept as they stood`,
      {
        field: "as_of",
        details: {
          final_through: finalThrough === undefined ? null : formatMinute(finalThrough),
        },
      },
    );
  }
}
