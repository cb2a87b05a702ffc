/**
 * Builds the state that the fold goes on from. Recorded outcomes are loaded, never decided again: the dedup index is
 * what the raw store says was recorded, the watermark is what the last commit says it was.
 */

import type { PartitionState } from "../aggregate/state.ts";
import { adDictionary } from "../aggregate/state.ts";
import { horizonHourOf } from "../aggregate/deduplicate.ts";
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
  for (const { dedup, shared, watermark } of states) {
    const { dedupRecentMs, dedupHorizonMs } = shared.configs.at(-1)!;
    if (watermark.ms !== -Infinity)
      dedup.tidy(watermark.ms, dedupRecentMs, dedupHorizonMs, newestHour);
  }
  await rebuildOlderHours(store, states);
  const firstExactHour = Math.min(...states.map((state) => state.dedup.firstExactHour));
  if (!Number.isFinite(firstExactHour)) return;
  for await (const chunk of store.scanIdentities(firstExactHour * hourMs, clickTimestampMsEnd)) {
    restoreChunk(chunk, states, (state, hour) => hour >= state.dedup.firstExactHour);
  }
}

/** Hour by hour, so that each filter can be made for as many ids as the hour has. */
async function rebuildOlderHours(
  store: ClickStore,
  states: readonly PartitionState[],
): Promise<void> {
  const config = states[0]!.shared.configs.at(-1)!;
  const firstHour = Math.min(
    ...states.map((state) => horizonHourOf(state.watermark.ms, config.dedupHorizonMs)),
  );
  const endHour = Math.max(...states.map((state) => state.dedup.firstExactHour));
  if (!Number.isFinite(firstHour) || !Number.isFinite(endHour)) return;
  for (let hour = firstHour; hour < endHour; hour++) {
    const chunks: IdentityChunk[] = [];
    let rowCount = 0;
    for await (const chunk of store.scanIdentities(hour * hourMs, (hour + 1) * hourMs)) {
      chunks.push(chunk);
      rowCount += chunk.rowCount;
    }
    if (rowCount === 0) continue;
    const idsAPartition = Math.ceil(rowCount / states.length);
    for (const { dedup } of states)
      if (hour < dedup.firstExactHour) dedup.reserveOlder(hour, idsAPartition);
    for (const chunk of chunks)
      restoreChunk(chunk, states, (state) => hour < state.dedup.firstExactHour);
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
