import { CodedError } from "../model/errors.ts";
import { formatMinute } from "../model/time.ts";
import { isPossibleRange } from "../model/window.ts";
import type { MinuteRange } from "../model/window.ts";
import type { ClosedPeriod } from "../store/closed-periods.ts";
import type { JournalSums } from "../store/click-store.ts";
import { compareUtf8 } from "../model/utf8-order.ts";
import { bucketStarts } from "./calendar.ts";
import { formatCursor, isWholeNumber } from "./cursor.ts";
import { statusOf } from "./finality.ts";
import { localDate, parseLocalMinute, wholeDays } from "./local-days.ts";
import type { StatementAnswer, StatementRequest, StatementRow } from "./billing.ts";
import type { QueryView } from "./query-view.ts";

export interface StatementQuery {
  /** Whole days of the zone. */
  readonly range: MinuteRange;
  readonly timeZone: string;
  readonly adId: string | undefined;
  readonly limit: number;
  readonly after: StatementPlace | undefined;
}

/** A row's day, by its first epoch minute, and ad. */
export interface StatementPlace {
  readonly bucketStart: number;
  readonly adId: string;
}

/** From dates or times, `to` exclusive, to whole days of the zone. */
export function statementRange({ from, to, tz = "UTC" }: StatementRequest): MinuteRange {
  const [fromMinute, toMinute] = [
    ["from", from],
    ["to", to],
  ].map(([field, text]) => {
    if (text === undefined)
      throw new CodedError("invalid_parameter", `${field}: missing`, { field: field! });
    return parseLocalMinute(field!, text, tz);
  });
  const days =
    fromMinute! < toMinute! ? { fromMinute: fromMinute!, toMinute: toMinute! } : undefined;
  const range = days && wholeDays(days, tz);
  if (range && isPossibleRange(range)) return range;
  const why = days
    ? "at most 400 days can be asked for, from 1970 to 2200"
    : "must come after from";
  throw new CodedError("invalid_parameter", `to: ${why}`, { field: "to" });
}

/** What a cursor of the query is bound to. */
export function statementText({
  timeZone,
  adId,
}: Pick<StatementQuery, "timeZone" | "adId">): string {
  return JSON.stringify(["statement", timeZone, adId]);
}

/** From the values in a cursor; undefined where they can't be the place of a row. */
export function readStatementAfter(values: readonly unknown[]): StatementPlace | undefined {
  const [bucketStart, adId, ...rest] = values;
  if (!isWholeNumber(bucketStart) || typeof adId !== "string" || rest.length > 0) return undefined;
  return { bucketStart, adId };
}

/**
 * For each day the ads that had clicks, or changes: what is to be billed, how final that is, and beside a closed number what
 * the journal has added to it since.
 */
export async function answerStatement(
  view: QueryView,
  query: StatementQuery,
): Promise<StatementAnswer> {
  const { range, timeZone, adId, limit, after } = query;
  const starts = bucketStarts(range, "day", timeZone);
  const ofAd = adId === undefined ? {} : { adId };
  // One more tells whether there is a next page.
  const most = limit + 1;
  const counts = await view.aggregate(range, undefined, {
    ...ofAd,
    groupBy: ["ad_id"],
    bucketStarts: starts,
    order: "key",
    limit: most,
    ...(after && { after: { bucketStart: after.bucketStart, group: [after.adId] } }),
  });
  const sums = await view.journalSums(
    { ...range, ...ofAd, bucketStarts: starts, limit: most, ...(after && { after }) },
    counts,
  );
  const finality = view.finality(counts);
  const periods = view.closedPeriods(counts);
  const counted = counts.rows.map(({ bucketStart, group, count }) => ({
    bucketStart,
    adId: group[0] ?? "",
    count,
  }));
  const lines = merged(counted, sums);
  const rows = lines.slice(0, limit);
  const last = lines.length > limit ? rows.at(-1) : undefined;
  return {
    from: formatMinute(range.fromMinute),
    to: formatMinute(range.toMinute),
    tz: timeZone,
    ad_id: adId ?? null,
    rows: rows.map(({ bucketStart, adId: ad_id, count, ...line }): StatementRow => {
      const toMinute = starts.find((start) => start > bucketStart) ?? range.toMinute;
      const day = { fromMinute: bucketStart, toMinute };
      const { revision: ofDay } = line;
      const restated = { summarize: () => ({ restated: ofDay > 0, revision: ofDay }) };
      return {
        ad_id,
        day: localDate(bucketStart, timeZone),
        zone: timeZone,
        count,
        status: statusOf(day, finality, restated),
        as_of: sealedAt(periods, toMinute) ?? counts.asOf,
        adjustments: line.unseenClicks,
      };
    }),
    next_cursor: last
      ? formatCursor(range, [last.bucketStart, last.adId], statementText(query))
      : null,
    ...finality.fields(range, await view.restated(range, counts, adId)),
  };
}

interface Line extends StatementPlace {
  readonly count: number;
  readonly revision: number;
  readonly unseenClicks: number;
}

/** Both in order; each holds the first so many of its own, so that the first so many of both are there. */
function merged(
  counted: readonly (StatementPlace & { readonly count: number })[],
  sums: readonly JournalSums[],
): Line[] {
  const lines = new Map<string, Line>();
  for (const line of counted) lines.set(keyOf(line), { ...line, revision: 0, unseenClicks: 0 });
  for (const sum of sums) {
    const count = lines.get(keyOf(sum))?.count ?? 0;
    lines.set(keyOf(sum), { ...sum, count });
  }
  return [...lines.values()].toSorted(
    (a, b) => a.bucketStart - b.bucketStart || compareUtf8(a.adId, b.adId),
  );
}

function keyOf({ bucketStart, adId }: StatementPlace): string {
  return `${bucketStart} ${adId}`;
}

/** The commit at which the last minute of a day was sealed; undefined where it is not closed. */
function sealedAt(periods: readonly ClosedPeriod[], toMinute: number): number | undefined {
  return periods.find(({ throughMinute }) => throughMinute >= toMinute)?.asOf;
}
