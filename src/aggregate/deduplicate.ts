/**
 * The dedup index of one partition: which identities were recorded before.
 *
 * A click is a duplicate where its identity was recorded with an event time of the same minute, or, re-stamped,
 * of any minute in the recent tier, `[recentMinute, …)`. recentMinute follows from the watermark alone, so
 * that outcomes do not depend on when memory is tidied up: `tidy` moves ids from the exact table to the
 * filters some time after they left the recent tier, and nothing can tell.
 */

import type { SemanticConfig } from "../model/semantic-config.ts";
import { hourOfMinute, minuteMs, minuteOf } from "../model/time.ts";
import { OlderIds } from "./older-ids.ts";
import { Known, RecentIds } from "./recent-ids.ts";
import { minutesToldApart } from "./recent-segment.ts";

/** Where the tiers begin and end, in epoch minutes. */
export interface DedupEdges {
  readonly watermarkMinute: number;
  readonly recentMinute: number;
  readonly horizonMinute: number;
}

/** Ids that a sweep looks at before one record: some 3 ms. */
const sweptAtOnceMax = 100_000;
/** A sweep comes when the exact table reaches this share of the recent tier further back than it must. */
const sweepsAPeriod = 16;
/** What a busy partition forgets leaves room that the next minute's ids take; in silence it is given back. */
const spareWhenBusy = 1.5;
const spareInSilence = 1.05;

export class DedupIndex {
  private readonly recent: RecentIds;
  private readonly older: OlderIds;
  /** Ids of older minutes that the record in hand has added: its own rows are in no store yet. */
  private readonly addedNow = new Set<string>();

  /** Minutes from `firstExactMinute` on are kept exactly, those from `firstMinute` on in filters. */
  constructor(firstMinute: number, firstExactMinute: number) {
    this.older = new OlderIds(firstMinute);
    this.recent = new RecentIds(firstExactMinute);
  }

  get size(): number {
    return this.recent.size + this.older.size;
  }

  get bytes(): number {
    return this.recent.bytes + this.older.bytes;
  }

  /** Ids of the minutes before are in no filter: only the raw store knows them. */
  get firstFilterMinute(): number {
    return this.older.firstMinute;
  }

  get firstExactMinute(): number {
    return this.recent.firstMinute;
  }

  /** Whether a row of this minute can only be judged with the raw store's help. */
  needsStore(hash: Uint32Array, at: number, minute: number): boolean {
    return !this.recent.holds(hash, at, minute) && this.older.mayHave(minute, hash, at);
  }

  beginRecord(): void {
    if (this.addedNow.size > 0) this.addedNow.clear();
  }

  /**
   * Records the identity unless it is known, which makes it a duplicate. `recordedInStore`: what the raw store said of the
   * row, for those that need it; it knows those of the same minute.
   */
  admit(
    hash: Uint32Array,
    at: number,
    minute: number,
    recentMinute: number,
    recordedInStore: boolean,
  ): Known {
    if (this.recent.holds(hash, at, minute)) {
      return this.recent.add(hash, at, minute, recentMinute);
    }
    if (recordedInStore) return Known.sameMinute;
    const id = `${minute}:${hash[at]}:${hash[at + 1]}:${hash[at + 2]}:${hash[at + 3]}`;
    if (this.addedNow.has(id)) return Known.sameMinute;
    const known = this.recent.find(hash, at, minute, recentMinute);
    if (known !== Known.not) return known;
    this.addedNow.add(id);
    this.older.add(minute, hash, at);
    return Known.not;
  }

  /** Takes in an identity that was recorded before. */
  restore(hash: Uint32Array, at: number, minute: number): void {
    if (this.recent.holds(hash, at, minute)) this.recent.add(hash, at, minute, Infinity);
    else this.older.add(minute, hash, at);
  }

  /** As `restore`, for many of an earlier life: nothing may be asked before `endLoad`. */
  load(hash: Uint32Array, at: number, minute: number): void {
    if (this.recent.holds(hash, at, minute)) this.recent.load(hash, at, minute);
    else this.older.add(minute, hash, at);
  }

  /** Goes on with what is left to do after the last `load`, some segments at a time; true once that is done. */
  endLoad(segmentsMax: number): boolean {
    return this.recent.endLoad(segmentsMax);
  }

  reserveOlder(hour: number, idCount: number): void {
    this.older.reserve(hour, idCount);
  }

  /**
   * Moves what has left the recent tier into filters and forgets what is beyond the horizon, about `idsMax` ids at
   * a time; cheap where no minute has turned. `newestMinute`: the latest event minute that is about to come.
   */
  tidy(edges: DedupEdges, newestMinute: number, idsMax = sweptAtOnceMax): void {
    const { watermarkMinute, recentMinute, horizonMinute } = edges;
    this.older.dropBefore(horizonMinute);
    // The table tells minutes apart within so many of them.
    const reachableMinute = newestMinute - minutesToldApart + 1;
    const isUrgent = reachableMinute > this.recent.earliestMinute;
    if (isUrgent) this.sweep(Infinity);
    const firstMinute = Math.max(recentMinute, reachableMinute);
    const dueMinutes = Math.max(1, (watermarkMinute - recentMinute) / sweepsAPeriod);
    if (isUrgent || firstMinute - this.recent.firstMinute >= dueMinutes) {
      if (!this.recent.isSweeping) this.beginSweep(firstMinute);
    }
    this.sweep(isUrgent ? Infinity : idsMax);
  }

  private beginSweep(firstMinute: number): void {
    const idsByHour = new Map<number, number>();
    for (const [minute, { ids }] of this.recent.countByMinute()) {
      if (minute >= firstMinute || minute < this.older.firstMinute) continue;
      const hour = hourOfMinute(minute);
      idsByHour.set(hour, (idsByHour.get(hour) ?? 0) + ids);
    }
    for (const [hour, ids] of idsByHour) this.older.reserve(hour, ids);
    this.recent.beginSweep(firstMinute);
  }

  private sweep(idsMax: number): void {
    if (!this.recent.isSweeping) return;
    const spareMax = idsMax === Infinity ? spareInSilence : spareWhenBusy;
    this.recent.sweep(idsMax, spareMax, (hash, at, minute) => this.older.add(minute, hash, at));
  }
}

/**
 * The first minute of the recent tier where the watermark stands here. It never goes back: where dedup.recent grows, the
 * minutes that have left the tier stay out of it, and it grows as the watermark moves on. Which configuration holds goes
 * by the watermark too, for that never goes back either; a clock of receipt may.
 */
export function recentMinuteOf(configs: readonly SemanticConfig[], watermarkMs: number): number {
  let first = -Infinity;
  // Asked at nearly every row: without an iterator to make.
  for (let i = 0; i < configs.length; i++) {
    const { dedupRecentMs } = configs[i]!;
    const endMs = (configs[i + 1]?.fromMinute ?? Infinity) * minuteMs;
    first = Math.max(first, minuteOf(Math.min(watermarkMs, endMs) - dedupRecentMs));
    if (watermarkMs < endMs) break;
  }
  return first;
}
