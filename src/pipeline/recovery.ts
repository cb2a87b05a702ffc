/**
 * Builds the state that the fold goes on from. Recorded outcomes are loaded, never decided again: the dedup index is
 * what the raw store says was recorded, the watermark is what the last commit says it was.
 */

import type { Clock } from "../clock/clock.ts";
import type { PartitionState } from "../aggregate/state.ts";
import { identityWords } from "../aggregate/identity.ts";
import { clickTimestampMsEnd } from "../model/click.ts";
import type { Partitioning } from "../model/partition.ts";
import { partitionOfPiece } from "../model/partition.ts";
import { pieceOfKept } from "../model/piece.ts";
import { hourOfMinute, minuteMs, minuteOf, minutesAnHour } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { ClickStore, IdentityChunk } from "../store/click-store.ts";

/** By partition; undefined where another process counts it. */
type Owners = readonly (PartitionState | undefined)[];

export interface RebuildOptions {
  readonly clock: Clock;
  readonly store: ClickStore;
  readonly states: readonly PartitionState[];
  readonly partitioning: Partitioning;
  /** Told before the ids are read of about how many there will be: kept exactly, and in filters. */
  readonly onExpected?: (recentIds: number, olderIds: number) => void;
  /** Ends it where it is. */
  readonly signal?: AbortSignal;
}

/** Segments of the index that are put in order without a turn for others: some 20 ms with ten million ids. */
const segmentsATurn = 16;

/** Rebuilds the dedup index of these partitions from the raw store. False where it was ended before it was done. */
export async function rebuildDedup(options: RebuildOptions): Promise<boolean> {
  const { clock, store, states, partitioning, signal } = options;
  const extent = await store.extent();
  for (const { recorded } of states) recorded.begin(extent);
  if (!extent) return true;
  // A partition without a watermark has committed nothing, so that nothing recorded is its own.
  const begun = states.filter(({ watermark }) => watermark.ms !== -Infinity);
  if (begun.length === 0) return true;
  for (const state of begun) state.tidyDedup(state.watermark.ms, extent.lastMinute);
  const byPartition = new Map(states.map((state) => [state.partition, state]));
  const { partitionCount, spread } = partitioning;
  const owners = Array.from({ length: partitionCount }, (_, own) => byPartition.get(own));
  const firstExactMinute = Math.min(...begun.map((state) => state.dedup.firstExactMinute));
  const older = {
    fromMinute: Math.min(...begun.map((state) => state.dedup.firstFilterMinute)),
    toMinute: Math.max(...begun.map((state) => state.dedup.firstExactMinute)),
  };
  const recent = { fromMinute: firstExactMinute, toMinute: extent.lastMinute + 1 };
  const olderHours = await countsByHour(store, older);
  const ownShare = begun.length / partitionCount;
  options.onExpected?.(
    sumOf(await countsByHour(store, recent)) * ownShare,
    sumOf(olderHours) * ownShare,
  );
  reserveOlder(begun, olderHours, partitionCount);
  const scan = (fromMinute: number, toMs: number, isOlder: boolean): Promise<boolean> =>
    restoreAll(store.scanIdentities(fromMinute * minuteMs, toMs), owners, spread, isOlder, signal);
  const { fromMinute, toMinute } = older;
  if (fromMinute < toMinute && !(await scan(fromMinute, toMinute * minuteMs, true))) return false;
  if (!(await scan(firstExactMinute, clickTimestampMsEnd, false))) return false;
  for (const { dedup } of begun) while (!dedup.endLoad(segmentsATurn)) await clock.turn();
  return !signal?.aborted;
}

interface HourCount {
  /** The first minute of it that was asked for. */
  readonly bucketStart: number;
  readonly count: number;
}

function sumOf(hours: readonly HourCount[]): number {
  return hours.reduce((sum, { count }) => sum + count, 0);
}

/** Known at once, unlike the ids; about as many. */
async function countsByHour(store: ClickStore, range: MinuteRange): Promise<readonly HourCount[]> {
  if (range.fromMinute >= range.toMinute) return [];
  const bucketStarts = hourStarts(range.fromMinute, range.toMinute);
  const { rows } = await store.aggregate({
    source: "minute",
    ...range,
    groupBy: [],
    bucketStarts,
    order: "key",
    limit: bucketStarts.length,
  });
  return rows;
}

/** Each filter is made for as many ids as its hour has counted; an hour's rows need never be in memory at once. */
function reserveOlder(
  begun: readonly PartitionState[],
  hours: readonly HourCount[],
  partitionCount: number,
): void {
  for (const { bucketStart, count } of hours) {
    for (const { dedup } of begun) {
      if (bucketStart < dedup.firstExactMinute)
        dedup.reserveOlder(hourOfMinute(bucketStart), Math.ceil(count / partitionCount));
    }
  }
}

/** False where it was ended. */
async function restoreAll(
  chunks: AsyncIterable<IdentityChunk>,
  owners: Owners,
  spread: number,
  isOlder: boolean,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for await (const chunk of chunks) {
    if (signal?.aborted) return false;
    restoreChunk(chunk, owners, spread, isOlder);
  }
  return !signal?.aborted;
}

/** The hours that the range reaches into; the first begins with the range. */
function hourStarts(fromMinute: number, toMinute: number): number[] {
  const starts = [fromMinute];
  for (let hour = hourOfMinute(fromMinute) + 1; hour * minutesAnHour < toMinute; hour++)
    starts.push(hour * minutesAnHour);
  return starts;
}

/** `isOlder`: those of the minutes that are in filters; else those that are kept exactly. */
function restoreChunk(
  chunk: IdentityChunk,
  owners: Owners,
  spread: number,
  isOlder: boolean,
): void {
  const { eventIdKinds, eventIdWords, clickTimestamps } = chunk;
  const { hasher } = owners.find((state) => state !== undefined)!.shared;
  const hash = new Uint32Array(identityWords);
  for (let row = 0; row < chunk.rowCount; row++) {
    const state = owners.length === 1 ? owners[0] : ownerOf(chunk, row, owners, spread);
    if (!state) continue;
    const { dedup } = state;
    const minute = minuteOf(clickTimestamps[row]!);
    if (minute < dedup.firstExactMinute !== isOlder) continue;
    const text = chunk.eventIdTexts[row] ?? null;
    const kind = eventIdKinds[row]!;
    hasher.hashRecorded(chunk.adKeys[row]!, kind, eventIdWords, row * 4, text, hash);
    dedup.load(hash, 0, minute);
  }
}

function ownerOf(
  { adKeys, eventIdKinds, eventIdWords, eventIdTexts }: IdentityChunk,
  row: number,
  owners: Owners,
  spread: number,
): PartitionState | undefined {
  const { shared } = owners.find((state) => state !== undefined)!;
  const text = eventIdTexts[row] ?? null;
  const piece =
    spread === 1 ? 0 : pieceOfKept(eventIdKinds[row]!, eventIdWords, row * 4, text, spread);
  const home = shared.homeOfAd(adKeys[row]!, owners.length);
  return owners[partitionOfPiece(home, piece, owners.length)];
}
