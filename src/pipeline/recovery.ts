/**
 * Builds the state that the fold goes on from. Recorded outcomes are loaded, never decided again: the dedup index is
 * what the raw store says was recorded, the watermark is what the last commit says it was.
 */

import type { PartitionState } from "../aggregate/state.ts";
import { identityWords } from "../aggregate/identity.ts";
import { clickTimestampMsEnd } from "../model/click.ts";
import type { Partitioning } from "../model/partition.ts";
import { partitionOfPiece } from "../model/partition.ts";
import { pieceOfKept } from "../model/piece.ts";
import { hourOfMinute, minuteMs, minuteOf, minutesAnHour } from "../model/time.ts";
import type { ClickStore, IdentityChunk } from "../store/click-store.ts";

/** By partition; undefined where another process counts it. */
type Owners = readonly (PartitionState | undefined)[];

/** Rebuilds the dedup index of these partitions from the raw store. */
export async function rebuildDedup(
  store: ClickStore,
  states: readonly PartitionState[],
  partitioning: Partitioning,
): Promise<void> {
  const extent = await store.extent();
  if (!extent) return;
  // A partition without a watermark has committed nothing, so that nothing recorded is its own.
  const begun = states.filter(({ watermark }) => watermark.ms !== -Infinity);
  if (begun.length === 0) return;
  for (const state of begun) state.tidyDedup(state.watermark.ms, extent.lastMinute);
  const byPartition = new Map(states.map((state) => [state.partition, state]));
  const { partitionCount, spread } = partitioning;
  const owners = Array.from({ length: partitionCount }, (_, own) => byPartition.get(own));
  await rebuildOlder(store, owners, spread, begun);
  const firstExactMinute = Math.min(...begun.map((state) => state.dedup.firstExactMinute));
  for await (const chunk of store.scanIdentities(
    firstExactMinute * minuteMs,
    clickTimestampMsEnd,
  )) {
    restoreChunk(chunk, owners, spread, (state, minute) => minute >= state.dedup.firstExactMinute);
  }
  for (const { dedup } of begun) dedup.endLoad();
}

/** Each filter is made for as many ids as its hour has counted; an hour's rows need never be in memory at once. */
async function rebuildOlder(
  store: ClickStore,
  owners: Owners,
  spread: number,
  begun: readonly PartitionState[],
): Promise<void> {
  const fromMinute = Math.min(...begun.map((state) => state.dedup.firstFilterMinute));
  const toMinute = Math.max(...begun.map((state) => state.dedup.firstExactMinute));
  if (fromMinute >= toMinute) return;
  const bucketStarts = hourStarts(fromMinute, toMinute);
  const { rows } = await store.aggregate({
    source: "minute",
    fromMinute,
    toMinute,
    groupBy: [],
    bucketStarts,
    order: "key",
    limit: bucketStarts.length,
  });
  for (const { bucketStart, count } of rows) {
    for (const { dedup } of begun) {
      if (bucketStart < dedup.firstExactMinute)
        dedup.reserveOlder(hourOfMinute(bucketStart), Math.ceil(count / owners.length));
    }
  }
  for await (const chunk of store.scanIdentities(fromMinute * minuteMs, toMinute * minuteMs)) {
    restoreChunk(chunk, owners, spread, (state, minute) => minute < state.dedup.firstExactMinute);
  }
}

/** The hours that the range reaches into; the first begins with the range. */
function hourStarts(fromMinute: number, toMinute: number): number[] {
  const starts = [fromMinute];
  for (let hour = hourOfMinute(fromMinute) + 1; hour * minutesAnHour < toMinute; hour++)
    starts.push(hour * minutesAnHour);
  return starts;
}

function restoreChunk(
  chunk: IdentityChunk,
  owners: Owners,
  spread: number,
  belongs: (state: PartitionState, minute: number) => boolean,
): void {
  const { shared } = owners.find((state) => state !== undefined)!;
  const hash = new Uint32Array(identityWords);
  for (let row = 0; row < chunk.rowCount; row++) {
    const adKey = chunk.adKeys[row]!;
    const kind = chunk.eventIdKinds[row]!;
    const text = chunk.eventIdTexts[row]!;
    const piece = spread === 1 ? 0 : pieceOfKept(kind, chunk.eventIdWords, row * 4, text, spread);
    const home = shared.homeOfAd(adKey, owners.length);
    const state = owners[partitionOfPiece(home, piece, owners.length)];
    if (!state) continue;
    shared.hasher.hashRecorded(adKey, kind, chunk.eventIdWords, row * 4, text, hash);
    const minute = minuteOf(chunk.clickTimestamps[row]!);
    if (belongs(state, minute)) state.dedup.load(hash, 0, minute);
  }
}
