import { Outcome, outcomeNames } from "../../model/outcome.ts";
import { minuteOf } from "../../model/time.ts";
import type {
  ClickPlace,
  ClicksPage,
  ClicksQuery,
  OutcomeCounts,
  StoredClick,
} from "../../store/click-store.ts";
import { adKeyOf, fieldsOfRaw, matches } from "./aggregate.ts";
import type { Contents, RawRow } from "./tables.ts";
import { identityOf, minuteOfRow } from "./tables.ts";

const uncounted: ReadonlySet<number> = new Set([
  Outcome.duplicate,
  Outcome.expired,
  Outcome.invalid,
]);

/** Whether a click of this outcome is one that later ones can be duplicates of. */
export function countsForDedup(outcome: number): boolean {
  return !uncounted.has(outcome);
}

export function listClicks(
  contents: Contents,
  query: ClicksQuery,
): Pick<ClicksPage, "clicks" | "outcomes"> {
  const adKey = adKeyOf(contents, query.adId);
  const rows = contents.raw.filter(
    (row) =>
      row.adKey === adKey &&
      minuteOfRow(row) >= query.fromMinute &&
      minuteOfRow(row) < query.toMinute &&
      (query.filter === undefined || matches(contents, fieldsOfRaw(row), query.filter)),
  );
  const { after } = query;
  const page = rows
    .filter((row) => after === undefined || comparePlaces(placeOf(row), after) > 0)
    .toSorted((a, b) => comparePlaces(placeOf(a), placeOf(b)))
    .slice(0, query.limit);
  return {
    outcomes: countOutcomes(rows),
    clicks: page.map((row) =>
      Object.assign(storedClick(row), {
        eventId: row.eventId,
        dimensions: Object.fromEntries(
          query.dimensions.map((name) => [name, row.dimensions[name] ?? null]),
        ),
        original: originalOf(contents, row),
      }),
    ),
  };
}

export function countOutcomes(rows: readonly RawRow[]): OutcomeCounts {
  const counts = Object.fromEntries(outcomeNames.map((name) => [name, 0]));
  for (const { outcome } of rows) counts[outcomeNames[outcome]!]!++;
  return counts as OutcomeCounts;
}

function originalOf({ raw }: Contents, row: RawRow): StoredClick | null {
  if (row.outcome !== Outcome.duplicate) return null;
  const before = raw
    .slice(0, raw.indexOf(row))
    .filter((other) => countsForDedup(other.outcome) && identityOf(other) === identityOf(row));
  const original =
    before.findLast((other) => minuteOf(other.time) === minuteOf(row.time)) ?? before.at(-1);
  return original ? storedClick(original) : null;
}

export function placeOf({ time, partition, offset, row }: RawRow): ClickPlace {
  return { clickTimestampMs: time, partition, offset, row };
}

function storedClick(row: RawRow): StoredClick {
  const { receivedAtMs, source, outcome } = row;
  return { ...placeOf(row), receivedAtMs, source, outcome: outcomeNames[outcome]! };
}

export function comparePlaces(a: ClickPlace, b: ClickPlace): number {
  return (
    a.clickTimestampMs - b.clickTimestampMs ||
    a.partition - b.partition ||
    a.offset - b.offset ||
    a.row - b.row
  );
}
