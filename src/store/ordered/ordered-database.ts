/** The port of a database that several processes write to, of which a log beside it decides what counts. */

import type { Decision } from "../../order/commit-order.ts";
import type { Member } from "../../order/member.ts";
import type { OrderReader, OrderSnapshot } from "../../order/order-reader.ts";
import type { ClickStore } from "../click-store.ts";
import type { FollowedStore } from "../followed-store.ts";

/** Of a process that counts. */
export interface OpenCountingOptions {
  readonly member: Member;
  /** What it counts, see CommitOrder. */
  readonly terms: ReadonlyMap<number, number>;
  /** Nobody else counted when it entered. */
  readonly isAlone: boolean;
}

/** Of one that follows. */
export interface OpenFollowedOptions {
  /** Its own from here on, with its log. */
  readonly reader: OrderReader;
  /** What is decided from here on, oldest first; grows as the reader reads. */
  readonly decided: Decision[];
  /** Of the database whose commits the order tells. */
  readonly databaseId: string;
  /** See SharedStore. */
  readonly secret: Uint8Array;
}

/** A store of the database as of the last commit up to which all is decided. */
export interface CountingStore extends ClickStore {
  /** How far it goes; 0 for a partition that it knows nothing of. */
  endOf(partition: number): number;
}

export interface OrderedDatabase extends AsyncDisposable {
  /** For errors. */
  readonly name: string;
  /** Of its own for each that was made, two where two have made it at a time. */
  readIds(): Promise<readonly string[]>;
  /** The order as the database knows it; undefined where it was not written yet. */
  readOrderSnapshot(): Promise<OrderSnapshot | undefined>;
  /** The highest sequence that any commit was written under, 0 where there is none. */
  lastWritten(): Promise<number>;
  openCounting(options: OpenCountingOptions): Promise<CountingStore>;
  openFollowed(options: OpenFollowedOptions): Promise<FollowedStore>;
}
