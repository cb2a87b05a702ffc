import { adDictionary } from "../../model/commit.ts";
import { compareUtf8 } from "../../model/utf8-order.ts";
import type {
  JournalSums,
  JournalSumsQuery,
  RestatementPlace,
  RestatementsPage,
  RestatementsQuery,
} from "../../store/click-store.ts";
import type { Visibility } from "../../store/visibility.ts";
import { lastSeenAt } from "../../store/visibility.ts";
import type { Contents, JournalRow } from "./tables.ts";
import { textOfKey } from "./tables.ts";

export function journalPage(contents: Contents, query: RestatementsQuery): RestatementsPage {
  const { asOf = contents.sequence } = query;
  const { fromMinute, toMinute, adId, visibility, after, limit } = query;
  const rows = contents.journal
    .filter(({ minute }) => minute >= fromMinute && minute < toMinute)
    .filter((entry) => entry.asOf <= asOf && isSeen(entry, visibility))
    .map(({ adKey, partition: _partition, offset: _offset, ...rest }) =>
      Object.assign(rest, { adId: textOfKey(contents, adDictionary, adKey) ?? "" }),
    )
    .filter((row) => adId === undefined || row.adId === adId)
    .toSorted(compareRestatements)
    .filter((row) => !after || compareRestatements(row, after) > 0)
    .slice(0, limit);
  return { asOf, rows };
}

export function journalSums(contents: Contents, query: JournalSumsQuery): JournalSums[] {
  const { fromMinute, toMinute, bucketStarts, adId, asOf, visibility, after, limit } = query;
  const sums = new Map<string, { -readonly [K in keyof JournalSums]: JournalSums[K] }>();
  for (const entry of contents.journal) {
    const { minute, adKey, before } = entry;
    const ad = textOfKey(contents, adDictionary, adKey) ?? "";
    if (minute < fromMinute || minute >= toMinute || entry.asOf > asOf) continue;
    if (ad !== (adId ?? ad)) continue;
    const bucketStart = bucketStarts.findLast((start) => start <= minute)!;
    const key = `${bucketStart} ${ad}`;
    const sum = sums.get(key) ?? { bucketStart, adId: ad, revision: 0, unseenClicks: 0 };
    // A minute's revisions go up one by one.
    if (isSeen(entry, visibility)) sum.revision++;
    else sum.unseenClicks += entry.after - before;
    sums.set(key, sum);
  }
  return [...sums.values()]
    .toSorted(comparePlaces)
    .filter((sum) => !after || comparePlaces(sum, after) > 0)
    .slice(0, limit);
}

function isSeen({ minute, partition, asOf }: JournalRow, visibility?: Visibility): boolean {
  return asOf <= lastSeenAt(visibility, minute, partition);
}

type Place = Pick<JournalSums, "bucketStart" | "adId">;

function comparePlaces(a: Place, b: Place): number {
  return a.bucketStart - b.bucketStart || compareUtf8(a.adId, b.adId);
}

function compareRestatements(a: RestatementPlace, b: RestatementPlace): number {
  return (
    a.minute - b.minute || compareUtf8(a.adId, b.adId) || a.revision - b.revision || a.asOf - b.asOf
  );
}
