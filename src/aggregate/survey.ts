/**
 * What a record needs from the store before it can be stepped: a superset, found without deciding anything.
 * For nearly every record of live clicks that is nothing.
 */

import type { Bucket } from "../model/bucket.ts";
import { bucketKey } from "../model/bucket.ts";
import { minuteOf } from "../model/time.ts";
import { identityWords } from "./identity.ts";
import type { MappedClicks } from "./map.ts";
import type { PartitionState } from "./state.ts";

export interface Needs {
  /** Rows whose identity must be looked up in the raw store (same identity, same event minute). */
  readonly probeRows: readonly number[];
  /** Ads' minutes whose count and revision must be known. Each once. */
  readonly buckets: readonly Bucket[];
}

export function surveyClicks(state: PartitionState, mapped: MappedClicks): Needs | undefined {
  const { record } = mapped;
  const { clickTimestamps, rowCount } = record.batch;
  const config = state.shared.configAtReceipt(record.receivedAtMs);
  let watermarkMs = state.watermark.ms;
  let newestMs = -Infinity;
  let oldestMs = Infinity;
  for (let row = 0; row < rowCount; row++) {
    const time = clickTimestamps[row]!;
    if (time > newestMs) newestMs = time;
    if (time < oldestMs) oldestMs = time;
  }
  if (!record.history) {
    watermarkMs = Math.max(
      watermarkMs,
      Math.min(newestMs, record.receivedAtMs) - config.outOfOrdernessMs,
    );
  }
  const finalBefore = state.watermark.finalBeforeAt(watermarkMs);
  const oldestMinute = minuteOf(oldestMs);
  if (
    !record.history &&
    oldestMinute >= finalBefore &&
    oldestMinute >= state.dedup.firstExactMinute
  )
    return undefined;
  return collectNeeds(state, mapped, finalBefore);
}

function collectNeeds(
  state: PartitionState,
  mapped: MappedClicks,
  finalBefore: number,
): Needs | undefined {
  const { record, adKeys, identities } = mapped;
  const { clickTimestamps, rowCount } = record.batch;
  const { dedupHorizonMs } = state.shared.configAtReceipt(record.receivedAtMs);
  // The watermark only rises: what is beyond the horizon now is expired whatever the store says.
  const expiredBeforeMs = record.history ? -Infinity : state.watermark.ms - dedupHorizonMs;
  const probeRows: number[] = [];
  const buckets = new Map<number, Bucket>();
  for (let row = 0; row < rowCount; row++) {
    const time = clickTimestamps[row]!;
    if (time < expiredBeforeMs) continue;
    const minute = minuteOf(time);
    if (record.history && state.isFresh(minute)) continue;
    if (record.history || minute < finalBefore) {
      buckets.set(bucketKey(minute, adKeys[row]!), { minute, adKey: adKeys[row]! });
    }
    if (state.dedup.needsStore(identities, row * identityWords, minute)) probeRows.push(row);
  }
  if (probeRows.length === 0 && buckets.size === 0) return undefined;
  return { probeRows, buckets: [...buckets.values()] };
}
