import type { ItemFields } from "../item-fields.ts";
import type { ItemProblem } from "../item-problem.ts";

/** A row of a file is at most this long; a longer one is refused as malformed. */
export const rowBytesMax = 1_048_576;

export const RowStatus = {
  /** The fields hold the next row. */
  row: 0,
  /** There was a row, but it can't be read: see `problem`. The reader stands behind it. */
  malformed: 1,
  /** Nothing whole is left; load the next block, or stop after the last. */
  needsMore: 2,
} as const;

export type RowStatus = (typeof RowStatus)[keyof typeof RowStatus];

/** Reads the rows of a file, given block by block, one after the other. */
export interface RowReader {
  /** What is wrong with the row that `next` called malformed. */
  readonly problem: ItemProblem;
  /** Appends a block of the file; what was unread of those before stays. */
  load(block: Uint8Array, isLast: boolean): void;
  /** Sets the fields to the next row. They are valid until the next call. */
  next(fields: ItemFields): RowStatus;
}
