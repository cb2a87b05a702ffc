import type { MappedClicks } from "../aggregate/map.ts";
import { RecordBuckets } from "../aggregate/restate.ts";
import type { StoreAnswers } from "../aggregate/step-clicks.ts";
import type { Needs } from "../aggregate/survey.ts";
import { EventIdKind, eventIdAt } from "../model/click-batch.ts";
import type { ClickStore, IdentityProbes } from "../store/click-store.ts";

/** Asks the store what a record's survey wants to know. All earlier effects must be committed. */
export async function answerNeeds(
  store: ClickStore,
  clicks: MappedClicks,
  needs: Needs,
): Promise<StoreAnswers> {
  const recorded = new Uint8Array(clicks.record.batch.rowCount);
  if (needs.probeRows.length > 0) {
    const found = await store.findIdentities(probesOf(clicks, needs.probeRows));
    for (const [i, row] of needs.probeRows.entries()) recorded[row] = found[i]!;
  }
  const states = needs.buckets.length > 0 ? await store.bucketStates(needs.buckets) : [];
  return { recorded, buckets: new RecordBuckets(needs.buckets, states) };
}

function probesOf(clicks: MappedClicks, rows: readonly number[]): IdentityProbes {
  const { batch } = clicks.record;
  const { kinds, words } = batch.eventIds;
  const eventIdWords = new Uint32Array(rows.length * 4);
  for (const [i, row] of rows.entries())
    eventIdWords.set(words.subarray(row * 4, row * 4 + 4), i * 4);
  return {
    rowCount: rows.length,
    adKeys: Int32Array.from(rows, (row) => clicks.adKeys[row]!),
    eventIdKinds: Uint8Array.from(rows, (row) => kinds[row]!),
    eventIdWords,
    eventIdTexts: rows.map((row) =>
      kinds[row] === EventIdKind.text ? eventIdAt(batch, row) : null,
    ),
    clickTimestamps: Float64Array.from(rows, (row) => batch.clickTimestamps[row]!),
  };
}
