/**
 * Which partition an ad's clicks belong to. Part of the stored format: another answer for the same ad would split
 * its dedup state and its counts.
 */

/** The partition of the ad_id `source[start .. end)` (UTF-8): FNV-1a with a finalizer, modulo the partitions. */
export function partitionOfRange(
  source: Uint8Array,
  start: number,
  end: number,
  partitionCount: number,
): number {
  if (partitionCount === 1) return 0;
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i]!, 0x01000193);
  // FNV's low bits alone are weak (lowest bit: parity of the bytes); the mix is murmur3's finalizer.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % partitionCount;
}

export function partitionOf(adIdBytes: Uint8Array, partitionCount: number): number {
  return partitionOfRange(adIdBytes, 0, adIdBytes.length, partitionCount);
}

/** No log has so many partitions: from here on they are those of the log that a store was moved from. */
const movedFrom = 0x8000;

/**
 * How a store that was moved into numbers a partition of the log of before: rows keep the place that they were told to have,
 * and none of the log of now can have it too.
 */
export function movedPartition(partition: number): number {
  return movedFrom + partition;
}

/** The first such number. */
export const firstMovedPartition = movedPartition(0);

/** As people are told it, who know it as it was. */
export function toldPartition(partition: number): number {
  return partition < movedFrom ? partition : partition - movedFrom;
}
