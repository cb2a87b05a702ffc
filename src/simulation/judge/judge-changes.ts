import { dayOfMinute, formatMinute, minuteMs } from "../../model/time.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { PartitionedOracle } from "./partitioned-oracle.ts";

/** The table that a consumer of changes has built must be every cell of the oracle, and nothing else. */
export function judgeChanges(
  oracle: PartitionedOracle,
  table: ReadonlyMap<string, number>,
  { fromMinute, toMinute }: MinuteRange,
): string | undefined {
  const minutes = Array.from({ length: toMinute - fromMinute }, (_, i) => fromMinute + i);
  const by = ["ad_id", "country", "device"];
  const cells = oracle.breakdown({ fromMinute, toMinute }, by, minutes);
  const isKept = (minute: number): boolean => !oracle.dropped.minutes.has(dayOfMinute(minute));
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
