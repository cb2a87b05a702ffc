import type { Bucket } from "./bucket.ts";
import { bucketKey } from "./bucket.ts";
import type { MinuteChanges } from "./commit.ts";

export interface BucketChange extends Bucket {
  readonly change: number;
}

/** What the changes come to for each ad's minute; without those that come to nothing. */
export function bucketChanges({
  rowCount,
  minutes,
  adKeys,
  changes,
}: MinuteChanges): BucketChange[] {
  const sums = new Map<number, { minute: number; adKey: number; change: number }>();
  for (let row = 0; row < rowCount; row++) {
    const minute = minutes[row]!;
    const adKey = adKeys[row]!;
    const key = bucketKey(minute, adKey);
    const sum = sums.get(key);
    if (sum) sum.change += changes[row]!;
    else sums.set(key, { minute, adKey, change: changes[row]! });
  }
  return [...sums.values()].filter(({ change }) => change !== 0);
}
