import { dayOfMinute, formatMinute, minuteMs } from "../../model/time.ts";
import type { OracleGroup } from "../oracle/oracle.ts";
import type { PartitionedOracle } from "./partitioned-oracle.ts";

/** The table that a consumer of changes has built must be every cell of the oracle, and nothing else. */
export function judgeChanges(
  { dropped }: PartitionedOracle,
  cells: readonly OracleGroup[],
  table: ReadonlyMap<string, number>,
): string | undefined {
  const isKept = (minute: number): boolean => !dropped.minutes.has(dayOfMinute(minute));
  const expected = new Map(
    cells
      .filter(({ bucketStart }) => isKept(bucketStart))
      .map(({ bucketStart, group, count }) => [
        JSON.stringify([formatMinute(bucketStart), ...group]),
        count,
      ]),
  );
  for (const key of new Set([...expected.keys(), ...table.keys()])) {
    // Nobody is told of what goes.
    const [minute] = JSON.parse(key) as [string];
    if (!isKept(Date.parse(minute) / minuteMs)) continue;
    const [told, wanted] = [table.get(key), expected.get(key)];
    if (told !== wanted)
      return `changes told ${told ?? "nothing"} of ${key} instead of ${wanted ?? "nothing"}`;
  }
  return undefined;
}
