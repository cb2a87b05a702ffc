import type { PartitionState } from "../aggregate/state.ts";
import type { EraseControl } from "../model/log-record.ts";
import type { Partitioning } from "../model/partition.ts";
import { partOf } from "../model/partition.ts";
import type { ClickStore } from "../store/click-store.ts";
import type { ValueHolder } from "../model/erasing.ts";

/** What of the store is the partition's own to erase. All earlier effects must be committed. */
export async function answerErase(
  store: ClickStore,
  { partition, shared }: PartitionState,
  partitioning: Partitioning,
  { field, values }: EraseControl,
): Promise<readonly ValueHolder[]> {
  const part = partOf(partition, partitioning);
  const holders = await store.holders({ partition, isPart: part !== undefined, field, values });
  if (part !== undefined) return holders;
  const { partitionCount } = partitioning;
  return holders.filter(({ adKey }) => shared.homeOfAd(adKey, partitionCount) === partition);
}
