import { formatMinute, formatTime } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { RestatementPlace, RestatementRow } from "../store/click-store.ts";
import { formatCursor, isWholeNumber } from "./cursor.ts";
import type { JournalEntry, RestatementsAnswer } from "./query-service.ts";
import type { QueryState } from "./query-state.ts";

export interface RestatementsQuery {
  readonly adId: string | undefined;
  readonly range: MinuteRange;
  readonly limit: number;
  readonly after: RestatementsAfter | undefined;
}

/** The commit of the first page goes along, so that all pages are of one journal. */
export interface RestatementsAfter {
  readonly asOf: number;
  readonly place: RestatementPlace;
}

/** What a cursor of the query is bound to. */
export function restatementsText({ adId }: Pick<RestatementsQuery, "adId">): string {
  return JSON.stringify(["restatements", adId]);
}

/** From the values in a cursor; undefined where they can't be the place of an entry. */
export function readRestatementsAfter(values: readonly unknown[]): RestatementsAfter | undefined {
  const [asOf, minute, adId, revision, commit, ...rest] = values;
  if (!isWholeNumber(asOf) || !isWholeNumber(minute) || typeof adId !== "string") return undefined;
  if (!isWholeNumber(revision) || !isWholeNumber(commit) || rest.length > 0) return undefined;
  return { asOf, place: { minute, adId, revision, asOf: commit } };
}

/** The journal: each change of a bucket that was final. */
export async function answerRestatements(
  state: QueryState,
  query: RestatementsQuery,
): Promise<RestatementsAnswer> {
  const { adId, range, limit, after } = query;
  const { asOf, rows } = await state.store.restatements({
    ...range,
    // One more tells whether there is a next page.
    limit: limit + 1,
    ...(adId !== undefined && { adId }),
    ...(after && { asOf: after.asOf, after: after.place }),
  });
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return {
    ad_id: adId ?? null,
    from: formatMinute(range.fromMinute),
    to: formatMinute(range.toMinute),
    as_of: asOf,
    rows: shown.map(journalEntry),
    next_cursor: last
      ? formatCursor(range, [asOf, ...placeOf(last)], restatementsText(query))
      : null,
  };
}

function placeOf({ minute, adId, revision, asOf }: RestatementPlace): (string | number)[] {
  return [minute, adId, revision, asOf];
}

function journalEntry(row: RestatementRow): JournalEntry {
  return {
    minute: formatMinute(row.minute),
    ad_id: row.adId,
    before: row.before,
    after: row.after,
    revision: row.revision,
    reason: row.reason,
    received_at: formatTime(row.receivedAtMs),
    as_of: row.asOf,
  };
}
