import type { Commit, MinuteDeltas, PartitionProgress } from "../../model/commit.ts";
import type { CommitRange } from "../../order/order-record.ts";

export const noMinutes: MinuteDeltas = {
  rowCount: 0,
  minutes: new Int32Array(),
  adKeys: new Int32Array(),
  dimensionKeys: new Map(),
  counts: new Int32Array(),
  restated: new Uint8Array(),
};

/** As which a sequence is told that came to nothing. `reached`: what of the partition was told before. */
export function voidCommit(
  sequence: number,
  { partition, fromOffset }: CommitRange,
  reached: PartitionProgress | undefined,
): Commit {
  return {
    sequence,
    committedAtMs: 0,
    progress: reached ?? { partition, nextOffset: fromOffset, watermarkMs: -Infinity },
    dictionaries: [],
    clicks: [],
    minutes: noMinutes,
    ledger: [],
    restatements: [],
    adAttributes: [],
    outcomeChanges: [],
    closes: [],
    layoutChanges: [],
    operations: [],
    droppedDays: [],
    erasures: [],
    configs: [],
    duplicateConflicts: 0,
  };
}
