/**
 * The dedup index of one partition: which identities were recorded before.
 *
 * A click is a duplicate where its identity was recorded with an event time of the same hour, or, re-stamped,
 * of any hour in the recent tier, `[recentHour, …)`. recentHour follows from the watermark alone, so
 * that outcomes do not depend on when memory is tidied up: `tidy` moves ids from the exact table to the
 * filters some time after they left the recent tier, and nothing can tell.
 */

import type { SemanticConfig } from "../model/semantic-config.ts";
import { configAt } from "../model/semantic-config.ts";
import { hourMs, hourOf, minuteMs } from "../model/time.ts";
import { OlderIds } from "./older-ids.ts";
import { RecentIds } from "./recent-ids.ts";

export class DedupIndex {
  private readonly recent: RecentIds;
  private readonly older: OlderIds;
  /** Ids of older hours that the record in hand has added: its own rows are in no store yet. */
  private readonly addedNow = new Set<string>();

  /** Hours from `firstExactHour` on are kept exactly, those from `firstHour` on in filters. */
  constructor(firstHour: number, firstExactHour: number) {
    this.older = new OlderIds(firstHour);
    this.recent = new RecentIds(firstExactHour);
  }

  get size(): number {
    return this.recent.size + this.older.size;
  }

  get bytes(): number {
    return this.recent.bytes + this.older.bytes;
  }

  /** Hours before have no filters: only the raw store knows their ids. */
  get firstFilterHour(): number {
    return this.older.firstHour;
  }

  get firstExactHour(): number {
    return this.recent.firstHour;
  }

  /** Whether a row of this hour can only be judged with the raw store's help. */
  needsStore(hash: Uint32Array, at: number, hour: number): boolean {
    return hour < this.recent.firstHour && this.older.mayHave(hour, hash, at);
  }

  beginRecord(): void {
    if (this.addedNow.size > 0) this.addedNow.clear();
  }

  /**
   * Records the identity unless it is a duplicate; true where it was new. `recordedInStore`: what the raw store
   * said of the row, for those that need it.
   */
  admit(
    hash: Uint32Array,
    at: number,
    hour: number,
    recentHour: number,
    recordedInStore: boolean,
  ): boolean {
    if (hour >= this.recent.firstHour) return this.recent.add(hash, at, hour, recentHour);
    if (recordedInStore || this.recent.has(hash, at, hour, recentHour)) return false;
    const id = `${hour}:${hash[at]}:${hash[at + 1]}:${hash[at + 2]}:${hash[at + 3]}`;
    if (this.addedNow.has(id)) return false;
    this.addedNow.add(id);
    this.older.add(hour, hash, at);
    return true;
  }

  /** Takes in an identity that was recorded in an earlier life, for rebuilding. */
  restore(hash: Uint32Array, at: number, hour: number): void {
    if (hour >= this.recent.firstHour) this.recent.add(hash, at, hour, Infinity);
    else this.older.add(hour, hash, at);
  }

  reserveOlder(hour: number, idCount: number): void {
    this.older.reserve(hour, idCount);
  }

  /**
   * Moves what has left the recent tier into filters and forgets what is beyond the horizon; cheap where no hour
   * has turned. `newestHour`: the latest event hour that is about to come.
   */
  tidy(recentHour: number, horizonHour: number, newestHour: number): void {
    // The table tells hours apart within 256 of them.
    const firstHour = Math.max(recentHour, newestHour - 255);
    if (firstHour > this.recent.firstHour) {
      for (const [hour, count] of this.recent.countByHour()) {
        if (hour < firstHour) this.older.reserve(hour, count);
      }
      this.recent.sweep(firstHour, (hash, at, hour) => this.older.add(hour, hash, at));
      this.older.dropBefore(horizonHour);
    }
  }
}

/**
 * The first hour of the recent tier for a record received at this minute. It never goes back: where dedup.recent
 * grows, the hours that have left the tier stay out of it, and it grows as the watermark moves on.
 */
export function recentHourOf(
  configs: readonly SemanticConfig[],
  receivedMinute: number,
  watermarkMs: number,
): number {
  const { dedupRecentMs } = configAt(configs, receivedMinute);
  return Math.max(recentFloorHour(configs, receivedMinute), hourOf(watermarkMs - dedupRecentMs));
}

/** How far the tier's first hour can have come under the configurations before the one in force at this minute. */
export function recentFloorHour(
  configs: readonly SemanticConfig[],
  receivedMinute: number,
): number {
  let floor = -Infinity;
  for (let i = 1; i < configs.length && configs[i]!.fromMinute <= receivedMinute; i++) {
    const endMs = configs[i]!.fromMinute * minuteMs;
    floor = Math.max(floor, hourOf(endMs - configs[i - 1]!.dedupRecentMs));
  }
  return floor;
}

/** The first hour that still has filters. */
export function horizonHourOf(watermarkMs: number, horizonMs: number): number {
  return Math.floor((watermarkMs - horizonMs) / hourMs);
}
