/** Which rows count, as SQL; see order/commit-order.ts. Without I/O. */

import type { SequenceRange } from "../../order/commit-order.ts";
import { integer } from "./connection.ts";

/** True for the rows of commits up to `sequence` but for those that are void. */
export function countingToSql(voids: readonly SequenceRange[], sequence: number): string {
  const voidRows = voids
    .filter(([first]) => first <= sequence)
    .map(([first, last]) =>
      first === last
        ? `sequence = ${integer(first)}`
        : `sequence BETWEEN ${integer(first)} AND ${integer(last)}`,
    );
  const until = `sequence <= ${integer(sequence)}`;
  return voidRows.length === 0 ? until : `(${until} AND NOT (${voidRows.join(" OR ")}))`;
}
