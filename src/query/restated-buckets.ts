import type { Commit } from "../model/commit.ts";
import type { DictionaryView } from "../model/dictionary-view.ts";
import { minutesADay } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { ClickStoreReader, RestatementRow } from "../store/click-store.ts";
import type { Visibility } from "../store/visibility.ts";
import type { RestatedView } from "./finality.ts";

interface Restated {
  readonly adId: string;
  readonly asOf: number;
}

const coveredMinutes = 2 * minutesADay;
const entriesMax = 200_000;

/**
 * The journal of restatements of recent minutes in memory, so that telling whether a range was restated costs no
 * query. Older minutes are asked of the store. Beyond 200,000 entries the oldest minutes are left to the store too.
 */
export class RestatedBuckets {
  private readonly store: ClickStoreReader;
  private readonly dictionary: DictionaryView;
  private readonly journal = new Journal();
  private coveredFrom = -Infinity;
  private asOf: number;

  /** Empty, which is complete for a store without clicks at this commit; else `load` it. */
  constructor(store: ClickStoreReader, dictionary: DictionaryView, asOf: number) {
    this.store = store;
    this.dictionary = dictionary;
    this.asOf = asOf;
  }

  /** Takes the recent part of the store's journal. Call once, before the first `apply`, while nothing is committed. */
  async load(): Promise<void> {
    const extent = await this.store.extent();
    if (!extent) return;
    const from = extent.lastMinute + 1 - coveredMinutes;
    if (from > extent.firstMinute) this.coveredFrom = from;
    const { rows } = await this.store.restatements({
      fromMinute: Math.max(from, extent.firstMinute),
      toMinute: extent.lastMinute + 1,
      asOf: this.asOf,
    });
    this.journal.addRows(rows);
    this.evict();
  }

  apply({ sequence, restatements }: Pick<Commit, "sequence" | "restatements">): void {
    this.asOf = sequence;
    for (const { minute, adKey } of restatements) {
      const adId = this.dictionary.text("ad_id", adKey);
      if (adId === undefined) throw new Error(`ad key ${adKey} is not in the dictionary`);
      if (minute >= this.coveredFrom) this.journal.add(minute, { adId, asOf: sequence });
    }
    this.evict();
  }

  /** Minutes that are closed: what of them is seen is left to the store. */
  forgetBefore(minute: number): void {
    if (minute <= this.coveredFrom) return;
    this.coveredFrom = minute;
    for (const held of this.journal.minutes()) if (held < minute) this.journal.forget(held);
  }

  /** What of the range (of one ad where given) was restated up to the commit `asOf`. `visibility`: of closed minutes. */
  async view(
    range: MinuteRange,
    asOf: number,
    adId: string | undefined,
    visibility?: Visibility,
  ): Promise<RestatedView> {
    if (range.fromMinute >= this.coveredFrom && asOf <= this.asOf)
      return this.journal.view(asOf, adId);
    const journal = new Journal();
    const query = {
      ...range,
      asOf,
      ...(visibility && { visibility }),
      ...(adId !== undefined && { adId }),
    };
    const { rows } = await this.store.restatements(query);
    journal.addRows(rows);
    return journal.view(asOf, adId);
  }

  private evict(): void {
    if (this.journal.entryCount <= entriesMax) return;
    for (const minute of this.journal.minutes()) {
      this.journal.forget(minute);
      this.coveredFrom = minute + 1;
      if (this.journal.entryCount <= entriesMax * 0.9) return;
    }
  }
}

/** Entries by minute. */
class Journal {
  entryCount = 0;
  private readonly byMinute = new Map<number, Restated[]>();

  addRows(rows: readonly RestatementRow[]): void {
    for (const { minute, adId, asOf } of rows) this.add(minute, { adId, asOf });
  }

  add(minute: number, entry: Restated): void {
    const entries = this.byMinute.get(minute);
    if (entries) entries.push(entry);
    else this.byMinute.set(minute, [entry]);
    this.entryCount++;
  }

  /** Ascending. */
  minutes(): number[] {
    return [...this.byMinute.keys()].sort((a, b) => a - b);
  }

  forget(minute: number): void {
    this.entryCount -= this.byMinute.get(minute)?.length ?? 0;
    this.byMinute.delete(minute);
  }

  /** What later commits add does not show in it. */
  view(asOf: number, adId: string | undefined): RestatedView {
    return {
      summarize: (range) => {
        let revision = 0;
        for (const entries of this.entriesOf(range)) {
          for (const entry of entries) {
            if (entry.asOf <= asOf && entry.adId === (adId ?? entry.adId)) revision++;
          }
        }
        return { restated: revision > 0, revision };
      },
    };
  }

  private *entriesOf({ fromMinute, toMinute }: MinuteRange): Iterable<Restated[]> {
    if (this.byMinute.size < toMinute - fromMinute) {
      for (const [minute, entries] of this.byMinute)
        if (minute >= fromMinute && minute < toMinute) yield entries;
      return;
    }
    for (let minute = fromMinute; minute < toMinute; minute++) {
      const entries = this.byMinute.get(minute);
      if (entries) yield entries;
    }
  }
}
