/** A store that another process commits to, for those who only answer queries. */

import type { Commit } from "../model/commit.ts";
import type { DictionaryView } from "../model/dictionary-view.ts";
import type { ClickStoreReader, RecoveredState } from "./click-store.ts";

export interface FollowedStore extends ClickStoreReader, AsyncDisposable {
  /** Of all that is told. */
  readonly dictionary: DictionaryView;
  /** See SharedStore. */
  readonly secret: Uint8Array;
  /** As of the opening. */
  recover(): Promise<RecoveredState>;
  /**
   * The next commits that came since, in their order, with all that queries need: without clicks and what was asked of them. What
   * the store answers moves on to the last of them. None where there is none, or where it is being settled who goes on
   * committing. Rejects with `store_unavailable`, and then nothing has moved; or with `data_corrupt` where it
   * is another store by now, or has gone back behind what was told.
   */
  newer(): Promise<readonly Commit[]>;
  /** Whether newer ones are known already that did not go with what was told last. */
  readonly hasMore: boolean;
  sizeBytes(): Promise<number>;
}
