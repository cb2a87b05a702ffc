/** The port of a store that several processes commit to, each of which counts some of the partitions. */

import type { ClickStore } from "./click-store.ts";
import type { FollowedStore } from "./followed-store.ts";

export interface EnterOptions {
  /** The same in every life of a process: who enters replaces whoever it was before. */
  readonly instance: string;
  /** Of the click queue. */
  readonly partitionCount: number;
  /** Called where it may be out, or may have other partitions. */
  readonly onChange: () => void;
}

/** A life of a process that counts. */
export interface StoreMember extends AsyncDisposable {
  /**
   * What it counts: partitions, ascending, each with a number that is another once it has lost it, even if it got it back.
   * Undefined once it is out, and then for good.
   */
  readonly terms: ReadonlyMap<number, number> | undefined;
  /** Hears what others have said so far. Rejects with `queue_unavailable` where that is out of reach. */
  hear(): Promise<void>;
  /**
   * The store with all that was ever committed of these partitions. It refuses commits with `store_taken_over` once they have
   * other terms. Waits until what others have begun to commit is decided.
   */
  open(): Promise<ClickStore>;
}

export interface SharedNote {
  /** From 1; 0 where nothing was written yet. */
  readonly revision: number;
  readonly text: string;
}

export interface SharedStore extends AsyncDisposable {
  /** Another where it was made anew under its name. */
  readonly id: string;
  /** Keys the hashes of identities and of protected dimensions, the same for all. */
  readonly secret: Uint8Array;
  /** A text that all share. */
  readNote(name: string): Promise<SharedNote>;
  /** Resolves with what stands there then: another's text where that came first under this revision, or is behind it. */
  writeNote(name: string, note: SharedNote): Promise<SharedNote>;
  enter(options: EnterOptions): Promise<StoreMember>;
  follow(): Promise<FollowedStore>;
}
