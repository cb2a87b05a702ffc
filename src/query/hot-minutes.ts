import type { Commit, MinuteDeltas } from "../model/commit.ts";
import type { DictionaryView } from "../model/dictionary-view.ts";
import type { Filter } from "../model/filter.ts";
import { minutesADay } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { ClickStoreReader, MinuteChunk } from "../store/click-store.ts";
import type { ConfigHistory } from "./config-history.ts";
import { HotMinute } from "./hot/hot-minute.ts";
import { splitFilter } from "./hot/key-filter.ts";
import { MinuteBlocks } from "./hot/minute-blocks.ts";
import type { CountedPart } from "./hot/minute-blocks.ts";
import { countOfAd, countOfAdWhere, topAds, topAdsWhere } from "./hot/minute-queries.ts";
import type { HotQuery } from "./hot/minute-queries.ts";
import type { RankedAd } from "./hot/top-selection.ts";
import { chooseSource } from "./plan.ts";

export interface HotMinutesOptions {
  readonly dictionary: DictionaryView;
  readonly configs: ConfigHistory;
  /** Bound on the memory of the columns. Beyond it the oldest minutes go. */
  readonly bytesMax: number;
  /** Bound on the minutes held, by default two days. */
  readonly minutesMax?: number;
  /** Where there is something to load; before that nothing is covered. */
  readonly isToLoad?: boolean;
}

export interface LoadOptions {
  /** Ends it where it is. */
  readonly signal?: AbortSignal;
  /** Lets others have a turn. */
  readonly turn?: () => Promise<void>;
}

/** Rows after which loading stops, for a start takes no longer than it must: about a second. */
const loadRowsMax = 4_000_000;
/** Rows that are scanned at a time, about: who asks the store meanwhile may have to wait for so many. */
const sliceRowsMax = 500_000;
/** Commits that a minute is settled after at the latest, once it is left alone. */
const quietCommits = 32;
/** So that after a time without any to settle no commit has to move more. */
const rowCreditMax = 1 << 18;
/** Share of the bound that rows by dimension may take; the rest is for ads' totals, which reach further back. */
const detailShare = 0.6;
/** Share of the bound for sums of stretches: it is theirs, so that what is covered does not depend on what was asked. */
const blockShare = 0.1;
/** Share of the bound that an eviction frees. */
const evictedShare = 0.05;

/**
 * The recent minutes in memory: answers counts and Top-N over them without the store, exactly. It covers every
 * minute from `coveredFromMinute` on (queries without a condition on dimensions: from `totalsFromMinute` on) as of
 * the commit that was applied last. Memory is bounded by dropping whole minutes, the oldest first: their rows by
 * dimension before their totals by ad.
 */
export class HotMinutes {
  private readonly dictionary: DictionaryView;
  private readonly configs: ConfigHistory;
  /** Of the minutes. */
  private readonly bytesMax: number;
  private readonly minutesMax: number;
  private readonly minutes = new Map<number, HotMinute>();
  private readonly blocks: MinuteBlocks;
  private readonly unsettled = new Set<HotMinute>();
  /** Bytes by minute as they were last accounted, and their sum. */
  private readonly accounted = new Map<HotMinute, { bytes: number; detailBytes: number }>();
  private bytesHeld = 0;
  private detailBytesHeld = 0;
  private commitCount = 0;
  /** Rows that may be moved to settle minutes early. */
  private rowCredit = 0;
  private totalsFrom: number;
  private detailFrom: number;

  constructor(options: HotMinutesOptions) {
    this.dictionary = options.dictionary;
    this.configs = options.configs;
    this.bytesMax = options.bytesMax * (1 - blockShare);
    this.minutesMax = options.minutesMax ?? 2 * minutesADay;
    this.totalsFrom = this.detailFrom = options.isToLoad ? Infinity : -Infinity;
    this.blocks = new MinuteBlocks(this.minutes, options.bytesMax * blockShare);
  }

  get bytes(): number {
    return this.bytesHeld + this.blocks.bytes;
  }

  get minuteCount(): number {
    return this.minutes.size;
  }

  get rowCount(): number {
    let rows = 0;
    for (const minute of this.minutes.values()) rows += minute.rowCount;
    return rows;
  }

  /** The first minute of which nothing is missing; -Infinity where nothing was ever dropped. */
  get coveredFromMinute(): number {
    return this.detailFrom;
  }

  /** The first minute whose totals by ad are complete; at most coveredFromMinute. */
  get totalsFromMinute(): number {
    return this.totalsFrom;
  }

  /**
   * Takes what the store holds, the newest minutes first, until `minutesMax`, 4 million rows or the bytes are reached;
   * none before `fromMinute`. What it has come to is covered meanwhile.
   * Call once, before the first `apply`, while nothing is committed.
   */
  async load(
    store: ClickStoreReader,
    fromMinute = -Infinity,
    { signal, turn }: LoadOptions = {},
  ): Promise<void> {
    const extent = await store.extent();
    if (!extent) {
      this.totalsFrom = this.detailFrom = -Infinity;
      return;
    }
    const newest = extent.lastMinute + 1 - this.minutesMax;
    const first = Math.max(extent.firstMinute, newest, fromMinute);
    let from = extent.lastMinute + 1;
    let rowCount = 0;
    // Slices grow, but not beyond what the rows so far let expect.
    let sliceMinutes = 1;
    // Where there is no room for any, nothing of what the store holds is covered.
    this.totalsFrom = this.detailFrom = from;
    while (from > first && sliceMinutes > 0 && this.bytesHeld < this.bytesMax) {
      const to = from;
      from = Math.max(first, to - sliceMinutes);
      for await (const chunk of store.scanMinutes(from, to)) {
        if (signal?.aborted) return;
        this.addRows(chunk, from, from);
        rowCount += chunk.rowCount;
      }
      for (const minute of this.unsettled) {
        this.settle(minute);
        await turn?.();
      }
      this.totalsFrom = this.detailFrom = from;
      const minutesARow = (extent.lastMinute + 1 - from) / Math.max(1, rowCount);
      const rowsLeft = loadRowsMax - rowCount;
      const sliceMax = Math.max(1, sliceRowsMax * minutesARow);
      sliceMinutes = Math.floor(Math.min(2 * sliceMinutes, sliceMax, rowsLeft * minutesARow));
    }
    if (from === extent.firstMinute) this.totalsFrom = this.detailFrom = -Infinity;
    this.evict();
  }

  /** Adds a commit's rows. Its dictionary entries and configurations must be known by now. */
  apply(commit: Pick<Commit, "minutes">): void {
    this.commitCount++;
    this.rowCredit = Math.min(this.rowCredit + commit.minutes.rowCount, rowCreditMax);
    this.addRows(commit.minutes, this.totalsFrom, this.detailFrom);
    for (const minute of this.unsettled) if (this.mayBeSettled(minute)) this.settle(minute);
    this.evict();
  }

  /** What is held of minutes before this one by dimension is left to the store: their rows were given other dimensions. */
  dropDetailBefore(endMinute: number): void {
    for (const held of this.minutes.values()) {
      if (held.minute >= endMinute || !held.detailed) continue;
      held.dropDetail();
      this.account(held);
    }
    this.detailFrom = Math.max(this.detailFrom, endMinute);
  }

  /** All that is held so far by dimension is left to the store. */
  dropDetail(): void {
    let end = -Infinity;
    for (const minute of this.minutes.keys()) end = Math.max(end, minute + 1);
    this.dropDetailBefore(end);
  }

  /** From now on it covers none of the minutes before. */
  forgetBefore(minute: number): void {
    if (minute <= this.totalsFrom) return;
    for (const held of this.minutes.values()) if (held.minute < minute) this.forget(held);
    this.totalsFrom = minute;
    this.detailFrom = Math.max(this.detailFrom, minute);
  }

  /** True where a query over this range and filter can be answered here. */
  covers(range: MinuteRange, filter: Filter | undefined): boolean {
    const split = splitFilter(filter);
    if (!split || chooseSource(filter, [], this.configs.layouts(range)) === "raw") return false;
    return range.fromMinute >= (split.dimensions ? this.detailFrom : this.totalsFrom);
  }

  /** Counts of one ad by bucket; `bucketStarts` as in AggregateQuery. The range must be covered. */
  countOfAd(
    adId: string,
    range: MinuteRange,
    filter: Filter | undefined,
    bucketStarts?: readonly number[],
  ): number[] {
    const starts = bucketStarts ?? [range.fromMinute];
    const adKey = this.dictionary.key("ad_id", adId);
    if (adKey === undefined) return starts.map(() => 0);
    const query = this.query(range, filter);
    return starts.map((start, i) => {
      const end = starts[i + 1] ?? range.toMinute;
      const bucket = { fromMinute: start, toMinute: end };
      return query.dimensions
        ? countOfAdWhere(query, this.minutesOf(bucket), adKey)
        : countOfAd(query, this.partsOf(bucket, false), adKey);
    });
  }

  /** The `most` ads with the highest counts above 0, ties by ad_id. The range must be covered. */
  topAds(range: MinuteRange, filter: Filter | undefined, most: number): RankedAd[] {
    const query = this.query(range, filter);
    return query.dimensions
      ? topAdsWhere(query, this.minutesOf(range), most)
      : topAds(query, this.partsOf(range, true), most);
  }

  private query(range: MinuteRange, filter: Filter | undefined): HotQuery {
    const split = splitFilter(filter);
    if (!split || !this.covers(range, filter))
      throw new Error("hot minutes do not cover this query");
    return { dictionary: this.dictionary, ...split };
  }

  private partsOf(range: MinuteRange, makesBlocks: boolean): readonly CountedPart[] {
    // Of a range that is nearly empty there is little to sum up, and much to step over.
    const isSparse = range.toMinute - range.fromMinute > 4 * this.minutes.size;
    return isSparse ? this.minutesOf(range) : this.blocks.partsOf(range, makesBlocks);
  }

  private minutesOf({ fromMinute, toMinute }: MinuteRange): HotMinute[] {
    if (toMinute - fromMinute > this.minutes.size) {
      return [...this.minutes.values()].filter(
        ({ minute }) => minute >= fromMinute && minute < toMinute,
      );
    }
    const found: HotMinute[] = [];
    for (let minute = fromMinute; minute < toMinute; minute++) {
      const held = this.minutes.get(minute);
      if (held) found.push(held);
    }
    return found;
  }

  /** None of minutes before `totalsFrom`, and of those before `detailFrom` the totals alone. */
  private addRows(rows: MinuteDeltas | MinuteChunk, totalsFrom: number, detailFrom: number): void {
    const { rowCount, minutes, adKeys, counts, dimensionKeys } = rows;
    const touched = new Set<HotMinute>();
    let held: HotMinute | undefined;
    let names: readonly string[] | undefined;
    let columns: readonly (Int32Array | undefined)[] = [];
    for (let row = 0; row < rowCount; row++) {
      const minute = minutes[row]!;
      if (minute < totalsFrom) continue;
      if (held?.minute !== minute) {
        held = this.minutes.get(minute) ?? this.addMinute(minute, detailFrom);
        touched.add(held);
        if (held.combinations.names !== names) {
          names = held.combinations.names;
          columns = names.map((name) => dimensionKeys.get(name));
        }
      }
      held.add(
        adKeys[row]!,
        held.detailed ? held.combinations.codeOf(columns, row) : 0,
        counts[row]!,
      );
    }
    for (const minute of touched) {
      this.blocks.drop(minute.minute);
      minute.touchedAt = this.commitCount;
      this.unsettled.add(minute);
      this.account(minute);
    }
  }

  private addMinute(minute: number, detailFrom: number): HotMinute {
    const added = new HotMinute(minute, this.configs.minuteDimensionNames(minute));
    this.minutes.set(minute, added);
    // A straggler among minutes that keep totals only.
    if (minute < detailFrom) added.dropDetail();
    return added;
  }

  /** Once it is left alone for long; before that where each row that came in pays for one that is moved. */
  private mayBeSettled({ touchedAt, rowCount }: HotMinute): boolean {
    if (touchedAt + quietCommits <= this.commitCount) return true;
    if (touchedAt === this.commitCount || rowCount > this.rowCredit) return false;
    this.rowCredit -= rowCount;
    return true;
  }

  private settle(minute: HotMinute): void {
    minute.settle();
    this.unsettled.delete(minute);
    this.account(minute);
  }

  private account(minute: HotMinute): void {
    const before = this.accounted.get(minute);
    const { bytes, detailBytes } = minute;
    this.accounted.set(minute, { bytes, detailBytes });
    this.bytesHeld += bytes - (before?.bytes ?? 0);
    this.detailBytesHeld += detailBytes - (before?.detailBytes ?? 0);
  }

  /** Back within the bounds, with some room so that not every commit has to. */
  private evict(): void {
    if (this.bytesHeld <= this.bytesMax && this.minutes.size <= this.minutesMax) return;
    const bytesWanted = this.bytesMax * (1 - evictedShare);
    const oldestFirst = [...this.minutes.values()].sort((a, b) => a.minute - b.minute);
    this.dropDetails(oldestFirst, bytesWanted);
    for (const oldest of oldestFirst) {
      if (this.bytesHeld <= bytesWanted && this.minutes.size <= this.minutesMax) break;
      this.forget(oldest);
    }
  }

  private dropDetails(oldestFirst: readonly HotMinute[], bytesWanted: number): void {
    for (const oldest of oldestFirst) {
      if (this.bytesHeld <= bytesWanted || this.detailBytesHeld <= bytesWanted * detailShare)
        return;
      if (!oldest.detailed) continue;
      oldest.dropDetail();
      this.account(oldest);
      this.detailFrom = Math.max(this.detailFrom, oldest.minute + 1);
    }
  }

  private forget(oldest: HotMinute): void {
    this.bytesHeld -= this.accounted.get(oldest)?.bytes ?? 0;
    this.detailBytesHeld -= this.accounted.get(oldest)?.detailBytes ?? 0;
    this.accounted.delete(oldest);
    this.minutes.delete(oldest.minute);
    this.blocks.drop(oldest.minute);
    this.unsettled.delete(oldest);
    this.totalsFrom = Math.max(this.totalsFrom, oldest.minute + 1);
    this.detailFrom = Math.max(this.detailFrom, this.totalsFrom);
  }
}
