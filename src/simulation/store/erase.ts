import type { Erasure } from "../../model/commit.ts";
import type { ErasedValues, HoldersQuery, ValueHolder } from "../../model/erasing.ts";
import { hasDropped } from "./retention.ts";
import type { Contents, MinuteRow, RawRow } from "./tables.ts";
import { keyOfMinuteRow, textOfKey } from "./tables.ts";

export function holdersOf(contents: Contents, query: HoldersQuery): ValueHolder[] {
  const part = query.isPart ? query.partition : undefined;
  const raw = contents.raw.filter((row) => isOf(row, part) && hasClick(row, query));
  const minutes = contents.minutes.filter(
    (row) => isOf(row, part) && hasMinute(contents, row, query),
  );
  const adKeys = new Set([...raw, ...minutes].map(({ adKey }) => adKey));
  return [...adKeys].map((adKey) => ({
    adKey,
    clicks: raw.filter((row) => row.adKey === adKey && !hasDropped(contents, row)).length,
    hasMinuteRows: minutes.some((row) => row.adKey === adKey),
  }));
}

export function applyErasure(contents: Contents, erasure: Erasure): void {
  const { field, adKeys, inMinutes, partition } = erasure;
  const own = new Set(adKeys);
  contents.raw = contents.raw.map((row) =>
    isOf(row, partition) && own.has(row.adKey) && hasClick(row, erasure)
      ? {
          ...row,
          dimensions: without(row.dimensions, field),
          dimensionKeys: without(row.dimensionKeys, field),
        }
      : row,
  );
  if (!inMinutes) return;
  contents.minutes = contents.minutes.map((row) => {
    if (!isOf(row, partition) || !own.has(row.adKey) || !hasMinute(contents, row, erasure))
      return row;
    const erased = { ...row, dimensionKeys: without(row.dimensionKeys, field) };
    return { ...erased, key: keyOfMinuteRow(erased) };
  });
}

function isOf(row: RawRow | MinuteRow, partition: number | undefined): boolean {
  return row.partition === (partition ?? row.partition);
}

function hasClick({ dimensions }: RawRow, { field, values }: ErasedValues): boolean {
  const value = dimensions[field];
  return value !== undefined && values.includes(value);
}

function hasMinute(
  contents: Contents,
  { dimensionKeys }: MinuteRow,
  { field, values }: ErasedValues,
): boolean {
  const text = textOfKey(contents, field, dimensionKeys[field] ?? 0);
  return text !== null && values.includes(text);
}

function without<T>(members: Readonly<Record<string, T>>, name: string): Record<string, T> {
  const { [name]: _erased, ...rest } = members;
  return rest;
}
