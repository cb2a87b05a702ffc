import { adDictionary } from "../../model/commit.ts";
import type { Comparison, Filter } from "../../model/filter.ts";
import { formatIp, parseIpInto } from "../../model/ip.ts";
import { isCounted } from "../../model/outcome.ts";
import { compareUtf8 } from "../../model/utf8-order.ts";
import type { AggregateQuery, AggregateRow } from "../../store/click-store.ts";
import type { Visibility } from "../../store/visibility.ts";
import { lastSeenAt } from "../../store/visibility.ts";
import type { Contents, MinuteRow, RawRow } from "./tables.ts";
import { minuteOfRow, outcomeAt, textOfKey } from "./tables.ts";

/** Something with fields that a filter or a grouping can ask for. */
export interface Fields {
  readonly minute: number;
  readonly adKey: number;
  /** The last commit whose changes of ads' attributes are seen. */
  readonly asOf: number;
  readonly dimension: (name: string) => string | null;
}

/** Undefined where it may not be seen. */
export function fieldsOfRaw(row: RawRow, visibility: Visibility | undefined): Fields | undefined {
  const minute = minuteOfRow(row);
  const asOf = lastSeenAt(visibility, minute, row.partition);
  if (row.commit > asOf) return undefined;
  return {
    minute,
    asOf,
    adKey: row.adKey,
    dimension: (name) => row.dimensions[name] ?? null,
  };
}

export function fieldsOfMinute(
  contents: Contents,
  row: MinuteRow,
  visibility: Visibility | undefined,
): Fields | undefined {
  const { minute, adKey, dimensionKeys } = row;
  const asOf = lastSeenAt(visibility, minute, row.partition);
  if (row.commit > asOf) return undefined;
  return {
    minute,
    asOf,
    adKey,
    dimension: (name) => textOfKey(contents, name, dimensionKeys[name] ?? 0),
  };
}

export function aggregateRows(contents: Contents, query: AggregateQuery): AggregateRow[] {
  const { fromMinute, groupBy, bucketStarts = [fromMinute], order, limit, after } = query;
  const groups = new Map<string, { -readonly [K in keyof AggregateRow]: AggregateRow[K] }>();
  for (const { fields, count } of countedFields(contents, query)) {
    const bucketStart = bucketStarts.findLast((start) => start <= fields.minute)!;
    const group = groupBy.map((field) => valueOf(contents, fields, field));
    const key = JSON.stringify([bucketStart, group]);
    const known = groups.get(key);
    if (known) known.count += count;
    else groups.set(key, { bucketStart, group, count });
  }
  const rows = [...groups.values()]
    .filter(({ count }) => count > 0)
    .toSorted((a, b) =>
      order === "count"
        ? b.count - a.count || compareGroups(a, b) || a.bucketStart - b.bucketStart
        : compareKeys(a, b),
    );
  const rest = after ? rows.filter((row) => compareKeys(row, after) > 0) : rows;
  return rest.slice(0, limit);
}

function* countedFields(
  contents: Contents,
  { source, fromMinute, toMinute, visibility, adId, filter }: AggregateQuery,
): Generator<{ readonly fields: Fields; readonly count: number }> {
  const adKey = adId === undefined ? undefined : adKeyOf(contents, adId);
  const isWanted = (fields: Fields | undefined): fields is Fields =>
    fields !== undefined &&
    fields.minute >= fromMinute &&
    fields.minute < toMinute &&
    (adId === undefined || fields.adKey === adKey) &&
    (filter === undefined || matches(contents, fields, filter));
  if (source === "minute") {
    for (const row of contents.minutes) {
      const fields = fieldsOfMinute(contents, row, visibility);
      if (isWanted(fields)) yield { fields, count: row.count };
    }
    return;
  }
  for (const row of contents.raw) {
    const fields = fieldsOfRaw(row, visibility);
    if (isWanted(fields) && isCounted(outcomeAt(row, fields.asOf))) yield { fields, count: 1 };
  }
}

/** Undefined where no click of it has come. */
export function adKeyOf({ dictionaries }: Contents, adId: string): number | undefined {
  const index = dictionaries.get(adDictionary)?.indexOf(adId) ?? -1;
  return index === -1 ? undefined : index + 1;
}

export function matches(contents: Contents, fields: Fields, filter: Filter): boolean {
  switch (filter.kind) {
    case "and":
      return filter.operands.every((operand) => matches(contents, fields, operand));
    case "or":
      return filter.operands.some((operand) => matches(contents, fields, operand));
    case "comparison":
      return compares(contents, fields, filter);
  }
}

function compares(contents: Contents, fields: Fields, comparison: Comparison): boolean {
  const { field, operator, values } = comparison;
  const value = valueOf(contents, fields, field);
  if (operator === "=null=") return (value === null) === (values[0] === "true");
  const isListed = values.some(
    (asked) => (contents.addresses.has(field) ? canonicalAddress(asked) : asked) === value,
  );
  return operator === "==" || operator === "=in=" ? isListed : !isListed;
}

function canonicalAddress(text: string): string {
  const words = new Uint32Array(4);
  return parseIpInto(text, words, 0) ? formatIp(words, 0) : text;
}

function valueOf(contents: Contents, fields: Fields, field: string): string | null {
  if (field === "ad_id") return textOfKey(contents, adDictionary, fields.adKey);
  if (!field.startsWith("ad.")) return fields.dimension(field);
  const adId = textOfKey(contents, adDictionary, fields.adKey);
  return attributeAt(contents, adId, field.slice("ad.".length), fields.minute, fields.asOf);
}

/** Of the changes seen that hold at the minute the one with the last valid_from, of those the last that came. */
export function attributeAt(
  { attributes }: Contents,
  adId: string | null,
  name: string,
  minute: number,
  asOf = Infinity,
): string | null {
  let found: { readonly from: number; readonly value: string | null } | undefined;
  for (const change of attributes) {
    const { valid_from_minute: from } = change;
    if (change.ad_id !== adId || change.commit > asOf) continue;
    if (from > minute || !(name in change.attributes)) continue;
    if (found === undefined || from >= found.from)
      found = { from, value: change.attributes[name] ?? null };
  }
  return found?.value ?? null;
}

type Key = Pick<AggregateRow, "bucketStart" | "group">;

function compareKeys(a: Key, b: Key): number {
  return a.bucketStart - b.bucketStart || compareGroups(a, b);
}

function compareGroups(a: Key, b: Key): number {
  for (const [i, value] of a.group.entries()) {
    const other = b.group[i]!;
    if (value === other) continue;
    if (value === null || other === null) return value === null ? -1 : 1;
    return compareUtf8(value, other);
  }
  return 0;
}
