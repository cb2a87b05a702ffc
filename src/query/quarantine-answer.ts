import { adDictionary } from "../model/commit.ts";
import type { RecordedClick } from "../model/recorded-click.ts";
import { eventIdOf } from "../model/recorded-click.ts";
import { formatMinute } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { ClickPlace } from "../store/click-store.ts";
import { formatCursor } from "./cursor.ts";
import { placeOf, recordedClick } from "./explain-answer.ts";
import type { QuarantineAnswer, QuarantinedClick } from "./query-service.ts";
import type { QueryState } from "./query-state.ts";

export interface QuarantineQuery {
  readonly adId: string | undefined;
  readonly range: MinuteRange;
  readonly limit: number;
  readonly after: ClickPlace | undefined;
}

/** What a cursor of the query is bound to. */
export function quarantineText({ adId }: Pick<QuarantineQuery, "adId">): string {
  return JSON.stringify(["quarantine", adId]);
}

export async function answerQuarantine(
  state: QueryState,
  query: QuarantineQuery,
): Promise<QuarantineAnswer> {
  const { adId, range, limit, after } = query;
  const found = await state.store.recordedClicks({
    outcomes: ["quarantined", "expired"],
    range,
    // One more tells whether there is a next page.
    limit: limit + 1,
    ...(adId !== undefined && { adId }),
    ...(after && { after }),
  });
  const clicks = found.slice(0, limit);
  const last = found.length > limit ? clicks.at(-1) : undefined;
  return {
    ad_id: adId ?? null,
    from: formatMinute(range.fromMinute),
    to: formatMinute(range.toMinute),
    rows: clicks.map((click) => quarantinedClick(state, click)),
    next_cursor: last ? formatCursor(range, placeOf(last), quarantineText(query)) : null,
  };
}

function quarantinedClick(state: QueryState, click: RecordedClick): QuarantinedClick {
  const adId = state.dictionary.text(adDictionary, click.adKey);
  if (adId === undefined) throw new Error(`ad key ${click.adKey} is not in the dictionary`);
  return { ad_id: adId, event_id: eventIdOf(click), ...recordedClick(click) };
}
