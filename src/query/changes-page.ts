/** How changes are asked for, page by page: calls with one answer each, since they cross to another thread. */

import type { MinuteRange } from "../model/window.ts";
import type { ChangePlace } from "../store/changes.ts";

export interface ChangesRequest {
  /** Where to begin: a mark's `since`, or the `as_of` of any answer; default 0, all that is kept. */
  readonly since?: string;
  /** Over `ad_id` and minute dimensions. */
  readonly filter?: string;
  /** Where the page before ended; then `since` has had its say. */
  readonly place?: ChangesPlace;
  /** Rows in the page; at most, and by default, as many as are kept in memory at once. */
  readonly limit?: number;
  /** How long to wait where everything is told, for a commit that is newer. */
  readonly waitMs?: number;
}

export interface ChangesPage {
  readonly rows: readonly ChangedRow[];
  /** What has been told with these rows; absent where there are more, or nothing came while it waited. */
  readonly mark?: ChangesMark;
  readonly place: ChangesPlace;
}

/** Everything up to this commit has been told. */
export interface ChangesMark {
  readonly as_of: number;
  /** Resumes behind it: the commit, and which history of the store it is of. */
  readonly since: string;
}

/** `minute` (RFC 3339), `ad_id`, the minute's dimensions, `count`, and `as_of`, the commit that changed it last. */
export type ChangedRow = Readonly<Record<string, string | number | null>>;

/** Where a stream of changes stands, kept by whoever asks for its pages. */
export interface ChangesPlace {
  /** Everything up to this commit has been told. */
  readonly since: number;
  /** What commits between `since` and now changed, as far as it is still to be told. */
  readonly rest?: {
    /** The last commit when this round began: told with its last page, whatever came meanwhile. */
    readonly upTo: number;
    readonly range: MinuteRange;
    readonly after?: ChangePlace;
    /** Minutes to look at for the next page. */
    readonly span: number;
  };
}
