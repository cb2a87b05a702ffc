/** What an erasure is about. */

/** Asks for all that has one of these values in this dimension. */
export interface HoldersQuery {
  readonly field: string;
  /** In the form in which they are stored. */
  readonly values: readonly string[];
}

/** An ad with clicks or minute rows that have one of the values. */
export interface ValueHolder {
  readonly adKey: number;
  /** Clicks of every outcome; not of days whose clicks its partition has dropped. */
  readonly clicks: number;
  readonly hasMinuteRows: boolean;
}
