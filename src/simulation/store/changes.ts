import { adDictionary } from "../../model/commit.ts";
import type { ChangedCount, ChangePlace, ChangesQuery } from "../../store/changes.ts";
import { fieldsOfMinute, matches } from "./aggregate.ts";
import type { Contents, MinuteRow } from "./tables.ts";
import { textOfKey } from "./tables.ts";

export function changedCounts(contents: Contents, query: ChangesQuery): ChangedCount[] {
  const { since, fromMinute, toMinute, filter, after, limit } = query;
  const names = [...contents.keyed].toSorted();
  const byKey = Map.groupBy(
    contents.minutes.filter(({ minute }) => minute >= fromMinute && minute < toMinute),
    ({ key }) => key,
  );
  return [...byKey.values()]
    .filter((rows) => rows.some(({ commit }) => commit > since))
    .filter(
      ([row]) => !filter || matches(contents, fieldsOfMinute(contents, row!, undefined)!, filter),
    )
    .map((rows) => changedCount(contents, names, rows))
    .toSorted((a, b) => comparePlaces(names, a.place, b.place))
    .filter(({ place }) => !after || comparePlaces(names, place, after) > 0)
    .slice(0, limit);
}

function changedCount(
  contents: Contents,
  names: readonly string[],
  rows: readonly MinuteRow[],
): ChangedCount {
  const { minute, adKey, dimensionKeys } = rows[0]!;
  return {
    place: {
      minute,
      adKey,
      dimensionKeys: Object.fromEntries(names.map((name) => [name, dimensionKeys[name] ?? 0])),
    },
    adId: textOfKey(contents, adDictionary, adKey) ?? "",
    dimensions: Object.fromEntries(
      names.map((name) => [name, textOfKey(contents, name, dimensionKeys[name] ?? 0)]),
    ),
    count: rows.reduce((sum, { count }) => sum + count, 0),
    asOf: rows.reduce((latest, { commit }) => Math.max(latest, commit), 0),
  };
}

function comparePlaces(names: readonly string[], a: ChangePlace, b: ChangePlace): number {
  if (a.minute !== b.minute) return a.minute - b.minute;
  if (a.adKey !== b.adKey) return a.adKey - b.adKey;
  for (const name of names) {
    const difference = (a.dimensionKeys[name] ?? 0) - (b.dimensionKeys[name] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
