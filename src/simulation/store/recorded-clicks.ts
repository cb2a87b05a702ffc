import { adDictionary } from "../../model/commit.ts";
import { outcomeNames } from "../../model/outcome.ts";
import type { RecordedClick } from "../../model/recorded-click.ts";
import type { RecordedClicksQuery } from "../../store/click-store.ts";
import type { Contents } from "./tables.ts";
import { minuteOfRow, textOfKey } from "./tables.ts";

export function recordedClicks(contents: Contents, query: RecordedClicksQuery): RecordedClick[] {
  const { partition, outcomes, identities, range, adId, limit } = query;
  const named =
    identities && new Set(identities.map(({ ad_id, event_id }) => `${ad_id}|${event_id}`));
  return contents.raw
    .filter((row) => {
      const ad = textOfKey(contents, adDictionary, row.adKey);
      return (
        row.partition === partition &&
        outcomes.includes(outcomeNames[row.outcome]!) &&
        (!named || named.has(`${ad}|${row.eventId}`)) &&
        (!range || (minuteOfRow(row) >= range.fromMinute && minuteOfRow(row) < range.toMinute)) &&
        (adId === undefined || ad === adId)
      );
    })
    .toSorted((a, b) => a.time - b.time || a.offset - b.offset || a.row - b.row)
    .slice(0, limit)
    .map(({ time, eventId: _eventId, dimensions: _dimensions, outcome, outcomeBefore, ...row }) =>
      Object.assign(row, {
        clickTimestampMs: time,
        outcome: outcomeNames[outcome]!,
        outcomeBefore: outcomeBefore === undefined ? null : outcomeNames[outcomeBefore]!,
      }),
    );
}
