import type { PartitionState } from "../aggregate/state.ts";
import type { EraseControl } from "../model/log-record.ts";
import type { ClickStore } from "../store/click-store.ts";
import type { ValueHolder } from "../model/erasing.ts";

/** What of the store is the partition's own to erase. All earlier effects must be committed. */
export async function answerErase(
  store: ClickStore,
  { partition, shared }: PartitionState,
  partitionCount: number,
  { field, values }: EraseControl,
): Promise<readonly ValueHolder[]> {
  const holders = await store.holders({ partition, field, values });
  return holders.filter(({ adKey }) => shared.partitionOfAd(adKey, partitionCount) === partition);
}
