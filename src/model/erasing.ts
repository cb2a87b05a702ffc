/** What an erasure is about. */

/** Values of one dimension. */
export interface ErasedValues {
  readonly field: string;
  /** In every form in which they may be stored. */
  readonly values: readonly string[];
}

/** Asks for all that has one of the values. */
export interface HoldersQuery extends ErasedValues {
  /** The one that asks, for its own clicks. */
  readonly partition: number;
  /** Of its own rows alone, see partOf; else of everybody's. */
  readonly isPart: boolean;
}

/** An ad with clicks or minute rows that have one of the values. */
export interface ValueHolder {
  readonly adKey: number;
  /** Clicks of every outcome; not of days whose clicks the partition has dropped. */
  readonly clicks: number;
  readonly hasMinuteRows: boolean;
}
