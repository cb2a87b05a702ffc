/** Which rows count, as SQL; see order/commit-order.ts. Without I/O. */

import type { SequenceRange } from "../../order/commit-order.ts";
import { integer } from "./connection.ts";

/** Longer ranges are written as such, shorter ones as a list, in which ClickHouse looks at once. */
const listedMax = 8;

/** True for the rows of commits behind `after` up to `sequence` but for those that are void. */
export function countingToSql(
  voids: readonly SequenceRange[],
  sequence: number,
  after = 0,
): string {
  const concerned = voids.filter(([first, last]) => first <= sequence && last > after);
  const isLong = ([first, last]: SequenceRange): boolean => last - first >= listedMax;
  const listed = concerned
    .filter((range) => !isLong(range))
    .flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
  const conditions = [
    ...(after > 0 ? [`sequence > ${integer(after)}`] : []),
    `sequence <= ${integer(sequence)}`,
    ...(listed.length > 0 ? [`sequence NOT IN (${listed.map(integer).join(", ")})`] : []),
    ...concerned
      .filter(isLong)
      .map(([first, last]) => `NOT (sequence BETWEEN ${integer(first)} AND ${integer(last)})`),
  ];
  return `(${conditions.join(" AND ")})`;
}
