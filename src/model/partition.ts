/**
 * Which partition an ad's clicks belong to. Part of the stored format: another answer for the same ad would split
 * its dedup state and its counts.
 *
 * A click's key is its ad_id, and with a `spread` above 1 a piece of the ad: a number below it, by the event id (piece.ts). So
 * one ad keeps as many partitions busy, and every repetition of a click meets the first. Piece 0 lies where the whole ad
 * would: the ad's home, which has what is about the ad and not about clicks. The others follow it in the order of partitions:
 * by a hash of both, two pieces of an ad would often meet in one.
 */

import { hashOfRange } from "./hash.ts";

/** Of a log, for good. */
export interface Partitioning {
  readonly partitionCount: number;
  /** Among how many pieces the clicks of an ad are dealt, at most one for each partition. */
  readonly spread: number;
}

/** The home of the ad_id `source[start .. end)` (UTF-8): FNV-1a with a finalizer, modulo the partitions. */
export function partitionOfRange(
  source: Uint8Array,
  start: number,
  end: number,
  partitionCount: number,
): number {
  return partitionCount === 1 ? 0 : hashOfRange(source, start, end) % partitionCount;
}

/** The home of an ad; with a spread of 1 the partition of all its clicks. */
export function partitionOf(adIdBytes: Uint8Array, partitionCount: number): number {
  return partitionOfRange(adIdBytes, 0, adIdBytes.length, partitionCount);
}

/** Of a piece of an ad at home there. */
export function partitionOfPiece(home: number, piece: number, partitionCount: number): number {
  return (home + piece) % partitionCount;
}

/** Of all clicks of an ad. */
export function partitionsOf(
  adIdBytes: Uint8Array,
  { partitionCount, spread }: Partitioning,
): number[] {
  const home = partitionOf(adIdBytes, partitionCount);
  return Array.from({ length: spread }, (_, piece) =>
    partitionOfPiece(home, piece, partitionCount),
  );
}

/**
 * By which rows the owner of a partition decides: where the clicks of an ad lie in several partitions, by those of its own
 * partition alone, for what others count meanwhile is not in its log. Undefined: by all of its ads.
 */
export function partOf(partition: number, { spread }: Partitioning): number | undefined {
  return spread === 1 ? undefined : partition;
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
