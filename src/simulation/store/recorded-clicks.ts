import { adDictionary } from "../../model/commit.ts";
import { isCounted, outcomeNames } from "../../model/outcome.ts";
import type { RecordedClick } from "../../model/recorded-click.ts";
import type { RecordedClicksQuery } from "../../store/click-store.ts";
import { comparePlaces, placeOf } from "./clicks.ts";
import { hasDropped } from "./retention.ts";
import type { Contents, RawRow } from "./tables.ts";
import { minuteOfRow, textOfKey } from "./tables.ts";

export function recordedClicks(contents: Contents, query: RecordedClicksQuery): RecordedClick[] {
  const { partition, outcomes, identities, range, adId, changedBy, after, limit } = query;
  const releases = new Set(
    contents.operations.filter(({ type }) => type === "release").map(({ asOf }) => asOf),
  );
  const named =
    identities && new Set(identities.map(({ ad_id, event_id }) => `${ad_id}|${event_id}`));
  return contents.raw
    .filter((row) => {
      const ad = textOfKey(contents, adDictionary, row.adKey);
      return (
        row.partition === (partition ?? row.partition) &&
        !hasDropped(contents, row) &&
        outcomes.includes(outcomeNames[row.outcome]!) &&
        (!named || named.has(`${ad}|${row.eventId}`)) &&
        (!range || (minuteOfRow(row) >= range.fromMinute && minuteOfRow(row) < range.toMinute)) &&
        (adId === undefined || ad === adId) &&
        (changedBy === undefined || row.corrections.some(({ commit }) => commit === changedBy)) &&
        (!after || comparePlaces(placeOf(row), after) > 0)
      );
    })
    .toSorted((a, b) => comparePlaces(placeOf(a), placeOf(b)))
    .slice(0, limit)
    .map((row) => recordedClick(contents, row, changedBy, releases));
}

function recordedClick(
  contents: Contents,
  {
    commit: _commit,
    eventId: _eventId,
    dimensions,
    time: clickTimestampMs,
    outcome,
    corrections,
    ...row
  }: RawRow,
  changedBy: number | undefined,
  releases: ReadonlySet<number>,
): RecordedClick {
  const last = corrections.findLast(({ commit }) => commit === (changedBy ?? commit));
  return {
    ...row,
    clickTimestampMs,
    dimensionTexts: Object.fromEntries(
      Object.entries(dimensions).filter(
        ([name]) => contents.keyed.has(name) && row.dimensionKeys[name] === undefined,
      ),
    ),
    outcome: outcomeNames[outcome]!,
    outcomeBefore: last ? outcomeNames[last.before]! : null,
    outcomeDecided: outcomeNames[corrections[0]?.before ?? outcome]!,
    isReleased: corrections.some(({ after, commit }) => releases.has(commit) && isCounted(after)),
  };
}
