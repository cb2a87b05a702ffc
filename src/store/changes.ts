/** The part of the store's port that tells what commits changed (see ClickStoreReader). */

import type { Filter } from "../model/filter.ts";

/** Asks for the minute counts that commits after `since` changed, as they are now. */
export interface ChangesQuery {
  /** A commit's sequence: what it and those before it changed, and none since, is not asked for. */
  readonly since: number;
  /** Epoch minutes, `[fromMinute, toMinute)`. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Fields: `ad_id` and minute dimensions, which never change for a count. */
  readonly filter?: Filter;
  /** Only counts after this one. */
  readonly after?: ChangePlace;
  readonly limit: number;
}

/** What a count is of; they are in the order of minute, ad key, and dimension keys by the dimensions' names. */
export interface ChangePlace {
  readonly minute: number;
  readonly adKey: number;
  /** Keys in the dictionaries; 0, or absent, where missing. */
  readonly dimensionKeys: Readonly<Record<string, number>>;
}

export interface ChangedCount {
  readonly place: ChangePlace;
  readonly adId: string;
  /** All minute dimensions so far, null where missing. */
  readonly dimensions: Readonly<Record<string, string | null>>;
  /** All clicks of the place; 0 where later commits took away what earlier ones brought. */
  readonly count: number;
  /** The last commit that changed it. */
  readonly asOf: number;
}

/**
 * A history begins where an opened store went on, and where an erasure moved counts that were told of before. A store that
 * lost commits, or was put back from a copy, uses their sequences again for others: only together with the id of its
 * history is a sequence the same commit as before.
 */
export interface HistoryStart {
  /** Its first commit; this sequence, and higher ones up to the next, belong to it. */
  readonly firstSequence: number;
  /** Hexadecimal, of its own for each. */
  readonly id: string;
  /** Counts of before have other dimensions since (see Erasure): who follows has to begin again. */
  readonly startsOver: boolean;
}
