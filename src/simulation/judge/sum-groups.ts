import type { OracleGroup } from "../oracle/oracle.ts";

/** Of several oracles, put together. */
export function sumGroups(parts: readonly OracleGroup[]): OracleGroup[] {
  const groups = new Map<string, OracleGroup>();
  for (const found of parts) {
    const key = `${found.bucketStart} ${JSON.stringify(found.group)}`;
    const before = groups.get(key);
    groups.set(key, before ? { ...found, count: found.count + before.count } : found);
  }
  return [...groups.values()].toSorted(compareGroups);
}

function compareGroups(a: OracleGroup, b: OracleGroup): number {
  if (a.bucketStart !== b.bucketStart) return a.bucketStart - b.bucketStart;
  for (const [i, value] of a.group.entries()) {
    const other = b.group[i]!;
    if (value === other) continue;
    if (value === null || other === null) return value === null ? -1 : 1;
    return compareBytes(value, other);
  }
  return 0;
}

/** Of their UTF-8. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
