import { formatMinute } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { AggregateQuery, AggregateRow } from "../store/click-store.ts";
import { bucketStarts } from "./calendar.ts";
import { formatCursor, isWholeNumber } from "./cursor.ts";
import type { Buckets, CheckedFilter, RowOrder } from "./parameters.ts";
import type { BreakdownAnswer } from "./query-service.ts";
import type { QueryView } from "./query-view.ts";

export interface BreakdownQuery {
  readonly by: readonly string[];
  readonly range: MinuteRange;
  readonly filter: CheckedFilter | undefined;
  readonly buckets: Buckets | undefined;
  readonly order: RowOrder;
  readonly limit: number;
  readonly after: AggregateQuery["after"] | undefined;
}

/** What a cursor of the query is bound to: all that its pages have in common but the range. */
export function breakdownText({
  by,
  filter,
  buckets,
  order,
}: Pick<BreakdownQuery, "by" | "filter" | "buckets" | "order">): string {
  // A cursor of rows in the order of their counts is none: there is one page of them.
  return JSON.stringify(order === "count" ? [order] : [by, filter?.text, buckets]);
}

/** From the values in a cursor; undefined where they can't be a row of `fieldCount` fields. */
export function readBreakdownAfter(
  [bucketStart, ...group]: readonly unknown[],
  fieldCount: number,
): BreakdownQuery["after"] {
  const isRow = isWholeNumber(bucketStart) && group.length === fieldCount;
  return isRow && group.every(isGroupValue) ? { bucketStart, group } : undefined;
}

function isGroupValue(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

/**
 * Groups with a count above 0, by start, then by the fields in their order, a missing value first; or those with the
 * highest counts, of which there is one page.
 */
export async function answerBreakdown(
  view: QueryView,
  query: BreakdownQuery,
): Promise<BreakdownAnswer> {
  const { by, range, filter, buckets, order, limit, after } = query;
  const starts = buckets && bucketStarts(range, buckets.granularity, buckets.timeZone);
  const result = await view.aggregate(range, filter?.filter, {
    groupBy: by,
    order,
    // One more tells whether there is a next page.
    limit: limit + 1,
    ...(starts && { bucketStarts: starts }),
    ...(after && { after }),
  });
  const finality = view.finality(result);
  const restated = await view.restated(range, result, undefined);
  const rows = result.rows.slice(0, limit);
  const hasMore = result.rows.length > limit && order === "key";
  const last = hasMore ? rows.at(-1) : undefined;
  return {
    from: formatMinute(range.fromMinute),
    to: formatMinute(range.toMinute),
    filter: filter?.text ?? null,
    by,
    rows: rows.map((row) => answerRow(row, by, starts !== undefined)),
    next_cursor: last
      ? formatCursor(range, [last.bucketStart, ...last.group], breakdownText(query))
      : null,
    ...finality.fields(range, restated),
  };
}

function answerRow(
  { bucketStart, group, count }: AggregateRow,
  by: readonly string[],
  withStart: boolean,
): Readonly<Record<string, string | number | null>> {
  return {
    ...(withStart && { start: formatMinute(bucketStart) }),
    ...Object.fromEntries(by.map((field, i) => [field, group[i] ?? null])),
    count,
  };
}
