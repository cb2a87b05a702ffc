import type { Position } from "../../model/log-record.ts";
import { Outcome, outcomeNames } from "../../model/outcome.ts";
import { minuteOf } from "../../model/time.ts";
import type {
  ClickPlace,
  ClicksPage,
  ClicksQuery,
  OutcomeCounts,
  StoredClick,
} from "../../store/click-store.ts";
import type { Visibility } from "../../store/visibility.ts";
import { lastSeenAt } from "../../store/visibility.ts";
import { adKeyOf, fieldsOfRaw, matches } from "./aggregate.ts";
import type { Contents, RawRow } from "./tables.ts";
import { identityOf, outcomeAt } from "./tables.ts";

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
  const raw = rawAsSeen(contents, query.visibility);
  const rows = raw.filter((row) => {
    // What is not seen is gone from these rows already.
    const fields = fieldsOfRaw(row, query.visibility)!;
    return (
      row.adKey === adKey &&
      fields.minute >= query.fromMinute &&
      fields.minute < query.toMinute &&
      (query.filter === undefined || matches(contents, fields, query.filter))
    );
  });
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
        original: originalOf(raw, row),
      }),
    ),
  };
}

function countOutcomes(rows: readonly RawRow[]): OutcomeCounts {
  const counts = Object.fromEntries(outcomeNames.map((name) => [name, 0]));
  for (const { outcome } of rows) counts[outcomeNames[outcome]!]!++;
  return counts as OutcomeCounts;
}

/** The rows that may be seen, with their outcomes of then. */
function rawAsSeen({ raw }: Contents, visibility: Visibility | undefined): readonly RawRow[] {
  if (!visibility) return raw;
  return raw.flatMap((row) => {
    const asOf = lastSeenAt(visibility, minuteOf(row.time), row.partition);
    return row.commit > asOf ? [] : [{ ...row, outcome: outcomeAt(row, asOf) }];
  });
}

function originalOf(raw: readonly RawRow[], row: RawRow): StoredClick | null {
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

/** Undefined where the record is not committed. */
export function outcomesOfRecord(
  { records, raw }: Contents,
  { partition, offset }: Position,
  fromRow: number,
  toRow: number,
): OutcomeCounts | undefined {
  if (!records.has(`${partition}:${offset}`)) return undefined;
  const isAsked = (row: RawRow): boolean =>
    row.partition === partition && row.offset === offset && row.row >= fromRow && row.row < toRow;
  return countOutcomes(raw.filter(isAsked));
}
