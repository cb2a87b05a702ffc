import type { Commit } from "../model/commit.ts";
import { movesCounts } from "../model/commit.ts";
import type { DictionaryView } from "../model/dictionary-view.ts";
import type { DimensionLayout } from "../model/dimensions.ts";
import type { Filter } from "../model/filter.ts";
import { ValueProtector } from "../model/protected-value.ts";
import type { MinuteRange } from "../model/window.ts";
import type {
  AggregateResult,
  ClicksPage,
  ClicksQuery,
  ClickStoreReader,
  JournalSums,
  JournalSumsQuery,
  RecordedClose,
  RecoveredState,
  Snapshot,
} from "../store/click-store.ts";
import type { ClosedPeriod } from "../store/closed-periods.ts";
import type { Visibility } from "../store/visibility.ts";
import { AppliedCommits } from "./applied-commits.ts";
import { ClosedMinutes } from "./closed-minutes.ts";
import { ConfigHistory } from "./config-history.ts";
import type { RestatedView } from "./finality.ts";
import { FinalityReader } from "./finality.ts";
import { HotMinutes } from "./hot-minutes.ts";
import type { LoadOptions } from "./hot-minutes.ts";
import { KeptData } from "./kept-data.ts";
import { aggregateQuery } from "./plan.ts";
import type { AggregateParts, QueryView } from "./query-view.ts";
import { RestatedBuckets } from "./restated-buckets.ts";

export interface QueryStateOptions {
  readonly store: ClickStoreReader;
  /** Holds every entry of a commit before the commit is applied. */
  readonly dictionary: DictionaryView;
  readonly recovered: Pick<
    RecoveredState,
    "sequence" | "progress" | "configs" | "closes" | "droppedDays"
  > &
    Partial<Pick<RecoveredState, "layoutChanges">>;
  /** The service's watermark is that of the slowest partition; one without progress has none. */
  readonly partitionCount: number;
  /** Memory for recent minutes. */
  readonly hotBytesMax: number;
  /** By which dimensions are protected. */
  readonly secret: Uint8Array;
}

/** The store and what is kept of it in memory, which `apply` moves on from commit to commit. */
export class QueryState implements QueryView {
  readonly store: ClickStoreReader;
  readonly dictionary: DictionaryView;
  readonly configs: ConfigHistory;
  readonly applied: AppliedCommits;
  readonly hot: HotMinutes;
  readonly restatedBuckets: RestatedBuckets;
  readonly closed: ClosedMinutes;
  readonly kept: KeptData;
  readonly partitionCount: number;

  private constructor({
    store,
    dictionary,
    recovered,
    partitionCount,
    hotBytesMax,
    secret,
  }: QueryStateOptions) {
    this.store = store;
    this.dictionary = dictionary;
    const protector = new ValueProtector(secret);
    const { configs, layoutChanges } = recovered;
    this.configs = new ConfigHistory(configs, layoutChanges, partitionCount, protector);
    this.applied = new AppliedCommits(recovered.sequence, recovered.progress, recovered.closes);
    this.hot = new HotMinutes({
      dictionary,
      configs: this.configs,
      bytesMax: hotBytesMax,
      isToLoad: true,
    });
    this.restatedBuckets = new RestatedBuckets(store, dictionary, recovered.sequence);
    this.closed = new ClosedMinutes(partitionCount);
    this.kept = new KeptData(store, this.configs, recovered.droppedDays, recovered.sequence);
    this.partitionCount = partitionCount;
  }

  /** Nothing may be committed meanwhile. */
  static async open(options: QueryStateOptions): Promise<QueryState> {
    const state = new QueryState(options);
    await state.restatedBuckets.load();
    await state.applied.load(options.store);
    state.leaveClosedToStore();
    return state;
  }

  /** Before the first `apply`, while nothing is committed; what is not loaded yet is asked of the store. */
  async loadRecent(options?: LoadOptions): Promise<void> {
    await this.hot.load(this.store, this.closedThrough, options);
    this.leaveClosedToStore();
  }

  apply(commit: Commit): void {
    for (const config of commit.configs) this.configs.add(config);
    this.kept.apply(commit);
    this.configs.addChanges(commit.layoutChanges, commit.sequence);
    this.hot.apply(commit);
    for (const { toMinute } of commit.layoutChanges) this.hot.dropDetailBefore(toMinute);
    if (movesCounts(commit)) this.hot.dropDetail();
    this.restatedBuckets.apply(commit);
    this.applied.apply(commit);
    if (commit.closes.length > 0) this.leaveClosedToStore();
  }

  layouts(range: MinuteRange): readonly DimensionLayout[] {
    return this.configs.layouts(range, this.closed.of(this.snapshot.closes).visibility);
  }

  /** As of the last commit applied. */
  get snapshot(): Snapshot {
    return this.applied.snapshot;
  }

  aggregate(
    range: MinuteRange,
    filter: Filter | undefined,
    parts: AggregateParts,
  ): Promise<AggregateResult> {
    return this.ask(({ visibility }) =>
      this.store.aggregate(aggregateQuery(this.configs, range, filter, parts, visibility)),
    );
  }

  clicks(query: Omit<ClicksQuery, "visibility">): Promise<ClicksPage> {
    return this.ask((visible) => this.store.clicks({ ...query, ...visible }));
  }

  finality(snapshot: Snapshot): FinalityReader {
    const { through } = this.closed.of(snapshot.closes);
    return new FinalityReader(snapshot, this.partitionCount, this.configs, through);
  }

  closedPeriods({ closes }: Snapshot): readonly ClosedPeriod[] {
    return this.closed.of(closes).periods;
  }

  restated(
    range: MinuteRange,
    { asOf, closes }: Snapshot,
    adId: string | undefined,
  ): Promise<RestatedView> {
    const { visibility } = this.closed.of(closes);
    return this.restatedBuckets.view(range, asOf, adId, visibility);
  }

  journalSums(
    query: Omit<JournalSumsQuery, "visibility" | "asOf">,
    { asOf, closes }: Snapshot,
  ): Promise<readonly JournalSums[]> {
    return this.store.journalSums({ ...query, asOf, ...this.visible(closes) });
  }

  /** The store may know of a close that is not applied yet: then what it has sealed is asked for. */
  private async ask<Result extends Snapshot>(
    question: (visible: { readonly visibility?: Visibility }) => Promise<Result>,
  ): Promise<Result> {
    let { closes } = this.snapshot;
    for (;;) {
      const result = await question(this.visible(closes));
      if (result.closes.length === closes.length) return result;
      closes = result.closes;
    }
  }

  private visible(closes: readonly RecordedClose[]): { readonly visibility?: Visibility } {
    const { visibility } = this.closed.of(closes);
    return visibility ? { visibility } : {};
  }

  private get closedThrough(): number {
    return this.closed.of(this.snapshot.closes).through;
  }

  private leaveClosedToStore(): void {
    this.hot.forgetBefore(this.closedThrough);
    this.restatedBuckets.forgetBefore(this.closedThrough);
  }
}
