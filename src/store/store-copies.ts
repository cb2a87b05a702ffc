/** What a store can do for backups, beside the port of clicks. */

import type { PartitionProgress } from "../model/commit.ts";

export interface StoreCopies {
  /**
   * Makes a checkpoint and copies it to a new file, with every commit that was through when this was called, and
   * perhaps later ones. Commits go on meanwhile; no other checkpoint begins. The copy is synced and was opened.
   */
  copyTo(path: string, signal: AbortSignal): Promise<StoreCopy>;
}

export interface StoreCopy {
  /** The last commit that the copy has. */
  readonly asOf: number;
  /** What that commit and those before it had applied: where a restored service goes on in the log. */
  readonly progress: readonly PartitionProgress[];
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}
