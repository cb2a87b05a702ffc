import { CodedError } from "../model/errors.ts";
import type { DimensionLayout } from "../model/dimensions.ts";
import type { Filter } from "../model/filter.ts";
import { formatMinute } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type {
  AggregateResult,
  ClicksPage,
  ClicksQuery,
  JournalSums,
  JournalSumsQuery,
  PastSnapshot,
  Snapshot,
} from "../store/click-store.ts";
import type { ClosedPeriod } from "../store/closed-periods.ts";
import { visibilityOf } from "../store/closed-periods.ts";
import type { Visibility } from "../store/visibility.ts";
import type { Closed } from "./closed-minutes.ts";
import { ClosedMinutes } from "./closed-minutes.ts";
import { ConfigHistory } from "./config-history.ts";
import type { RestatedView } from "./finality.ts";
import { FinalityReader } from "./finality.ts";
import type { KeptData } from "./kept-data.ts";
import { aggregateQuery } from "./plan.ts";
import type { QueryState } from "./query-state.ts";
import type { AggregateParts, QueryView } from "./query-view.ts";

/**
 * An earlier commit, of which everything is asked of the store. Numbers of the minutes that were final then are kept;
 * others have been added up with what came later.
 */
export class PastState implements QueryView {
  readonly hot = undefined;
  readonly configs: ConfigHistory;
  readonly snapshot: PastSnapshot;
  private readonly present: QueryState;
  private readonly visibility: Visibility | undefined;
  private readonly closed: Closed;

  private constructor(present: QueryState, snapshot: PastSnapshot) {
    this.present = present;
    this.snapshot = snapshot;
    this.configs = new ConfigHistory(
      snapshot.configs,
      snapshot.layoutChanges,
      present.partitionCount,
      present.configs.protector,
    );
    this.closed = new ClosedMinutes(present.partitionCount).of(snapshot.closes);
    this.visibility = visibilityOf(this.closed.periods, snapshot.asOf);
  }

  /** `asOf`: of a commit that is through. */
  static async open(present: QueryState, asOf: number): Promise<PastState> {
    const snapshot = await present.store.snapshotAt(asOf);
    if (!snapshot) throw new Error(`the store has no commit ${asOf}`);
    return new PastState(present, snapshot);
  }

  async aggregate(
    range: MinuteRange,
    filter: Filter | undefined,
    parts: AggregateParts,
  ): Promise<AggregateResult> {
    const query = aggregateQuery(this.configs, range, filter, parts, this.visibility);
    const { rows } = await this.present.store.aggregate(query);
    return { ...this.snapshot, rows };
  }

  async clicks(query: Omit<ClicksQuery, "visibility">): Promise<ClicksPage> {
    const page = await this.present.store.clicks({ ...query, ...this.visible });
    return { ...page, ...this.snapshot };
  }

  finality(): FinalityReader {
    const { partitionCount } = this.present;
    return new FinalityReader(this.snapshot, partitionCount, this.configs, this.closed.through);
  }

  closedPeriods(): readonly ClosedPeriod[] {
    return this.closed.periods;
  }

  restated(
    range: MinuteRange,
    { asOf }: Snapshot,
    adId: string | undefined,
  ): Promise<RestatedView> {
    return this.present.restatedBuckets.view(range, asOf, adId, this.visibility);
  }

  journalSums(
    query: Omit<JournalSumsQuery, "visibility" | "asOf">,
    { asOf }: Snapshot,
  ): Promise<readonly JournalSums[]> {
    return this.present.store.journalSums({ ...query, asOf, ...this.visible });
  }

  layouts(range: MinuteRange): readonly DimensionLayout[] {
    return this.configs.layouts(range, this.visibility);
  }

  /** Of the present: what is gone is gone of every commit. */
  get kept(): KeptData {
    return this.present.kept;
  }

  private get visible(): { readonly visibility?: Visibility } {
    return this.visibility ? { visibility: this.visibility } : {};
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
