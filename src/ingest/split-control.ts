import type { ClickIdentity, Control } from "../model/log-record.ts";
import type { Partitioning } from "../model/partition.ts";
import { partitionOf, partitionOfPiece, partitionsOf } from "../model/partition.ts";
import { pieceOfText } from "../model/piece.ts";

/**
 * What of a control goes to which partition: what is about an ad to its home, what is about clicks to theirs, the rest to
 * all.
 */
export function splitControl(
  control: Control,
  partitioning: Partitioning,
): [partition: number, control: Control][] {
  const { partitionCount, spread } = partitioning;
  const homeOf = ({ ad_id }: { readonly ad_id: string }): number =>
    partitionOf(Buffer.from(ad_id), partitionCount);
  const partitionOfClick = ({ ad_id, event_id }: ClickIdentity): number => {
    const id = Buffer.from(event_id);
    const piece = pieceOfText(id, 0, id.length, spread);
    return partitionOfPiece(homeOf({ ad_id }), piece, partitionCount);
  };
  switch (control.type) {
    case "ad_attributes":
      return [...Map.groupBy(control.changes, homeOf)].map(([partition, changes]) => [
        partition,
        { ...control, changes },
      ]);
    case "void":
      return [...Map.groupBy(control.identities, partitionOfClick)].map(
        ([partition, identities]) => [partition, { ...control, identities }],
      );
    case "release":
      if (control.ad_id !== null)
        return partitionsOf(Buffer.from(control.ad_id), partitioning).map((partition) => [
          partition,
          control,
        ]);
  }
  return Array.from({ length: partitionCount }, (_, partition) => [partition, control]);
}
