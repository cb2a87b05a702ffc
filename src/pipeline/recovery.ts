/**
 * Builds the state that the fold goes on from. Recorded outcomes are loaded, never decided again: the dedup index is
 * what the raw store says was recorded, the watermark is what the last commit says it was.
 */

import { adDictionary } from "../model/commit.ts";
import type { PartitionState } from "../aggregate/state.ts";
import { identityWords } from "../aggregate/identity.ts";
import { EventIdKind } from "../model/click-batch.ts";
import { clickTimestampMsEnd } from "../model/click.ts";
import { partitionOf } from "../model/partition.ts";
import { hourMs, hourOf } from "../model/time.ts";
import type { ClickStore, IdentityChunk } from "../store/click-store.ts";

/** Rebuilds the dedup index of every partition from the raw store. */
export async function rebuildDedup(
  store: ClickStore,
  states: readonly PartitionState[],
): Promise<void> {
  const extent = await store.extent();
  if (!extent) return;
  const newestHour = Math.floor(extent.lastMinute / 60);
  // A partition without a watermark has committed nothing, so that nothing recorded is its own.
  const begun = states.filter(({ watermark }) => watermark.ms !== -Infinity);
  if (begun.length === 0) return;
  for (const state of begun) state.tidyDedup(state.watermark.ms, newestHour);
  await rebuildOlderHours(store, states, begun);
  const firstExactHour = Math.min(...begun.map((state) => state.dedup.firstExactHour));
  for await (const chunk of store.scanIdentities(firstExactHour * hourMs, clickTimestampMsEnd)) {
    restoreChunk(chunk, states, (state, hour) => hour >= state.dedup.firstExactHour);
  }
}

/** Each filter is made for as many ids as its hour has counted; an hour's rows need never be in memory at once. */
async function rebuildOlderHours(
  store: ClickStore,
  states: readonly PartitionState[],
  begun: readonly PartitionState[],
): Promise<void> {
  const firstHour = Math.min(...begun.map((state) => state.dedup.firstFilterHour));
  const endHour = Math.max(...begun.map((state) => state.dedup.firstExactHour));
  if (firstHour >= endHour) return;
  const { rows } = await store.aggregate({
    source: "minute",
    fromMinute: firstHour * 60,
    toMinute: endHour * 60,
    groupBy: [],
    bucketStarts: Array.from({ length: endHour - firstHour }, (_, i) => (firstHour + i) * 60),
    order: "key",
    limit: endHour - firstHour,
  });
  for (const { bucketStart, count } of rows) {
    const hour = bucketStart / 60;
    for (const { dedup } of begun)
      if (hour < dedup.firstExactHour) dedup.reserveOlder(hour, Math.ceil(count / states.length));
  }
  for await (const chunk of store.scanIdentities(firstHour * hourMs, endHour * hourMs)) {
    restoreChunk(chunk, states, (state, hour) => hour < state.dedup.firstExactHour);
  }
}

const encoder = new TextEncoder();

function restoreChunk(
  chunk: IdentityChunk,
  states: readonly PartitionState[],
  belongs: (state: PartitionState, hour: number) => boolean,
): void {
  const { shared } = states[0]!;
  const hash = new Uint32Array(identityWords);
  for (let row = 0; row < chunk.rowCount; row++) {
    const adKey = chunk.adKeys[row]!;
    const kind = chunk.eventIdKinds[row]!;
    if (kind === EventIdKind.text) {
      const bytes = encoder.encode(chunk.eventIdTexts[row] ?? "");
      shared.hasher.hashText(adKey, bytes, 0, bytes.length, hash, 0);
    } else {
      shared.hasher.hashWords(adKey, kind, chunk.eventIdWords, row * 4, hash, 0);
    }
    const state = states.length === 1 ? states[0]! : states[partitionOfAd(states, adKey)]!;
    const hour = hourOf(chunk.clickTimestamps[row]!);
    if (belongs(state, hour)) state.dedup.restore(hash, 0, hour);
  }
}

function partitionOfAd(states: readonly PartitionState[], adKey: number): number {
  const { shared } = states[0]!;
  let partition = 0;
  shared.dictionary(adDictionary).withBytes(adKey, (source, start, end) => {
    partition = partitionOf(source.subarray(start, end), states.length);
  });
  return partition;
}
