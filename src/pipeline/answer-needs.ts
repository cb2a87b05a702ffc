import type { MappedClicks } from "../aggregate/map.ts";
import type { StoreAnswers } from "../aggregate/step-clicks.ts";
import type { PartitionState } from "../aggregate/state.ts";
import type { Correction, CorrectionAnswers } from "../aggregate/step-correction.ts";
import { outcomesConcerned } from "../aggregate/step-correction.ts";
import type { Needs } from "../aggregate/survey.ts";
import { EventIdKind, eventIdAt } from "../model/click-batch.ts";
import type { RecordedClick } from "../model/recorded-click.ts";
import { bucketOf } from "../model/recorded-click.ts";
import type { ClickStore, IdentityProbes } from "../store/click-store.ts";
import { askBuckets } from "./ask-buckets.ts";

/** Asks the store what a record's survey wants to know; `part`: see partOf. All earlier effects must be committed. */
export async function answerNeeds(
  store: ClickStore,
  part: number | undefined,
  clicks: MappedClicks,
  needs: Needs,
): Promise<StoreAnswers> {
  const recorded = new Uint8Array(clicks.record.batch.rowCount);
  if (needs.probeRows.length > 0) {
    const found = await store.findIdentities(probesOf(clicks, needs.probeRows));
    for (const [i, row] of needs.probeRows.entries()) recorded[row] = found[i]!;
  }
  return { recorded, buckets: await askBuckets(store, needs.buckets, part) };
}

/** Asks the store for the clicks that a correction may concern. All earlier effects must be committed. */
export async function answerCorrection(
  store: ClickStore,
  state: PartitionState,
  part: number | undefined,
  { control }: Correction,
): Promise<CorrectionAnswers> {
  const clicks = await store.recordedClicks({
    partition: state.partition,
    outcomes: outcomesConcerned(control),
    ...(control.type === "void" && { identities: control.identities }),
    ...(control.type === "release" && {
      range: { fromMinute: control.from_minute, toMinute: control.to_minute },
      limit: control.clicks_max,
      ...(control.ad_id !== null && { adId: control.ad_id }),
    }),
  });
  const recorded = new Uint8Array(clicks.length);
  const expired = [...clicks.keys()].filter((i) => clicks[i]!.outcome === "expired");
  if (expired.length > 0) {
    const found = await store.findIdentities(probesOfRecorded(expired.map((i) => clicks[i]!)));
    for (const [i, row] of expired.entries()) recorded[row] = found[i]!;
  }
  const { finalBeforeMinute } = state.watermark;
  const final = clicks.map(bucketOf).filter(({ minute }) => minute < finalBeforeMinute);
  return { clicks, recorded, buckets: await askBuckets(store, final, part) };
}

function probesOfRecorded(clicks: readonly RecordedClick[]): IdentityProbes {
  return {
    rowCount: clicks.length,
    adKeys: Int32Array.from(clicks, ({ adKey }) => adKey),
    eventIdKinds: Uint8Array.from(clicks, ({ eventIdKind }) => eventIdKind),
    eventIdWords: Uint32Array.from(clicks.flatMap(({ eventIdWords }) => eventIdWords)),
    eventIdTexts: clicks.map(({ eventIdText }) => eventIdText),
    clickTimestamps: Float64Array.from(clicks, ({ clickTimestampMs }) => clickTimestampMs),
  };
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
