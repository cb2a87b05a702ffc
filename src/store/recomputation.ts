/** What a recompute asks a store. */

import type { LayoutPiece } from "../model/minute-layout.ts";
import type { MinuteRange } from "../model/window.ts";

export interface RecomputationQuery extends MinuteRange {
  /** The dimensions that the minute rows are to have; in order, together the range. */
  readonly layout: readonly LayoutPiece[];
  readonly ads: AdSelection;
  /** By its rows alone, see partOf; absent: by everybody's. */
  readonly partition?: number;
  /** More rows than these may not differ. */
  readonly rowsMax: number;
}

/**
 * By dictionary key; with 0 or one that no ad has also by the ad's id, where the rows tell one: another process may count it
 * under a key of its own.
 */
export type AdSelection = (adKey: number, adId?: string) => boolean;

/** The minute rows that a commit has added to final buckets. */
export interface RestatedRowsQuery extends MinuteRange {
  readonly commitSequence: number;
}
