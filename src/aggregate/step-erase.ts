/**
 * Erasing: a field is taken from the clicks of this partition that were recorded before, and with them from the minute
 * rows of its ads. No count of an ad changes, so that nothing is restated. The values themselves stay in no commit's
 * books: the operation tells only how many clicks it was about.
 */

import type { EraseControl } from "../model/log-record.ts";
import type { ValueHolder } from "../model/erasing.ts";
import type { Effects } from "./effects.ts";
import type { PartitionState } from "./state.ts";

/** A control record that erases, with where it stands. */
export interface Erase {
  readonly offset: number;
  readonly receivedAtMs: number;
  readonly control: EraseControl;
  /** See partOf. */
  readonly part: number | undefined;
}

/** `holders`: the store's answer as of the commit right before the record, of the partition's own ads, or its part of them. */
export function stepErase(
  { partition }: PartitionState,
  { offset, receivedAtMs, control, part }: Erase,
  holders: readonly ValueHolder[],
  effects: Effects,
): void {
  const { id, reason, field, values } = control;
  // Also where no row has any: a dictionary may spell what retention has deleted.
  effects.erasures.push({
    field,
    values,
    adKeys: holders.map(({ adKey }) => adKey),
    inMinutes: holders.some(({ hasMinuteRows }) => hasMinuteRows),
    ...(part !== undefined && { partition: part }),
  });
  const erased = holders.reduce((sum, { clicks }) => sum + clicks, 0);
  const result = { erased };
  effects.operations.push({ id, type: "erase", reason, partition, offset, receivedAtMs, result });
}
