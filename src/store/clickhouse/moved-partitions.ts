/**
 * Rows of before the store was moved into bear partitions of the log of then (model/partition.ts). Of which partition of now
 * they are is their ad's affair, as for every click that comes.
 */

import { firstMovedPartition } from "../../model/partition.ts";
import { integer } from "./connection.ts";
import type { View } from "./state.ts";

/** True for rows of before. */
export const isOfBefore = `partition >= ${firstMovedPartition}`;

/** True for rows with `ad_id` that are of this partition of now, or that bear this one of before. */
export function isOfToSql({ state: { isMoved, progress } }: View, partition: number): string {
  const own = `partition = ${integer(partition)}`;
  if (!isMoved || partition >= firstMovedPartition) return own;
  return `(${own} OR (${isOfBefore} AND ${partitionToSql(progress.size)} = ${integer(partition)}))`;
}

/** As partitionOf. */
export function partitionToSql(partitionCount: number): string {
  const bytes =
    "arrayMap(i -> reinterpretAsUInt8(substring(ad_id, i, 1)), range(1, length(ad_id) + 1))";
  const hash = `arrayFold((h, byte) -> toUInt32(bitXor(h, toUInt32(byte)) * 16777619), ${bytes}, toUInt32(2166136261))`;
  const mix = "[(16, 2246822507), (13, 3266489909), (16, 1)]";
  return `arrayFold((h, by) -> toUInt32(bitXor(h, bitShiftRight(h, by.1)) * by.2), ${mix}, ${hash}) % ${integer(partitionCount)}`;
}
