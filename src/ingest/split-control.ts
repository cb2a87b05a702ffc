import type { Control } from "../model/log-record.ts";
import { partitionOf } from "../model/partition.ts";

/** What of a control goes to which partition: what is about an ad to the ad's, the rest to all. */
export function splitControl(
  control: Control,
  partitionCount: number,
): [partition: number, control: Control][] {
  const partitionOfAd = ({ ad_id }: { readonly ad_id: string }): number =>
    partitionOf(Buffer.from(ad_id), partitionCount);
  switch (control.type) {
    case "ad_attributes":
      return [...Map.groupBy(control.changes, partitionOfAd)].map(([partition, changes]) => [
        partition,
        { ...control, changes },
      ]);
    case "void":
      return [...Map.groupBy(control.identities, partitionOfAd)].map(([partition, identities]) => [
        partition,
        { ...control, identities },
      ]);
    case "release":
      if (control.ad_id !== null) return [[partitionOfAd({ ad_id: control.ad_id }), control]];
  }
  return Array.from({ length: partitionCount }, (_, partition) => [partition, control]);
}
