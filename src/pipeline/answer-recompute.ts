/** Asks the store what a recompute or a rollback has to know. All earlier effects must be committed. */

import { bucketChanges } from "../model/minute-changes.ts";
import { RecordBuckets } from "../aggregate/restate.ts";
import type { PartitionState } from "../aggregate/state.ts";
import type { Recompute, RecomputeAnswers } from "../aggregate/step-recompute.ts";
import type { Bucket } from "../model/bucket.ts";
import { bucketKey } from "../model/bucket.ts";
import { adDictionary } from "../model/commit.ts";
import type { MinuteChanges } from "../model/commit.ts";
import { outcomeAgainst } from "../model/late-policy.ts";
import type { RecomputeControl, RollbackControl } from "../model/log-record.ts";
import { layoutPieces } from "../model/minute-layout.ts";
import { partitionOfRange } from "../model/partition.ts";
import { allRawKept, recomputeClicksMax, recomputeRowsMax, refusalOf } from "../model/recompute.ts";
import type { RecordedClick } from "../model/recorded-click.ts";
import { minuteOf } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { ClickStore } from "../store/click-store.ts";
import type { AdSelection } from "../store/recomputation.ts";

export function answerRecompute(
  store: ClickStore,
  state: PartitionState,
  partitionCount: number,
  { control }: Recompute,
): Promise<RecomputeAnswers> {
  return control.type === "recompute"
    ? answerRecount(store, state, partitionCount, control)
    : answerRollback(store, state, control);
}

async function answerRecount(
  store: ClickStore,
  state: PartitionState,
  partitionCount: number,
  { from_minute: fromMinute, to_minute: toMinute, late }: RecomputeControl,
): Promise<RecomputeAnswers> {
  const { partition, shared, watermark } = state;
  const range = { fromMinute, toMinute };
  const { finalBeforeMinute } = watermark;
  const refusal = refusalOf(range, { finalBeforeMinute, rawFromMinute: allRawKept });
  if (refusal) return { refusal };
  const changes = await store.recomputation({
    ...range,
    layout: layoutPieces(shared.configs, range),
    ads: adsOf(state, partitionCount),
    rowsMax: recomputeRowsMax,
  });
  if (!changes) return { refusal: "too_large" };
  const clicks =
    late === null
      ? []
      : await store.recordedClicks({
          partition,
          range,
          outcomes: [outcomeAgainst(late)],
          limit: recomputeClicksMax + 1,
        });
  if (clicks.length > recomputeClicksMax) return { refusal: "too_large" };
  return await withBuckets(store, state, range, changes, clicks);
}

async function answerRollback(
  store: ClickStore,
  state: PartitionState,
  { recompute_id: id }: RollbackControl,
): Promise<RecomputeAnswers> {
  const { partition } = state;
  const last = await store.lastRecompute(partition);
  if (last?.type !== "recompute" || last.id !== id) return { refusal: "none_to_undo" };
  const { from_minute: fromMinute, to_minute: toMinute } = last.result;
  const range = { fromMinute: fromMinute!, toMinute: toMinute! };
  const changes = await store.restatedRows({ ...range, commitSequence: last.asOf });
  const clicks = await store.recordedClicks({
    partition,
    range,
    outcomes: ["restated", "quarantined", "voided"],
    changedBy: last.asOf,
  });
  return await withBuckets(store, state, range, changes, clicks);
}

async function withBuckets(
  store: ClickStore,
  { shared }: PartitionState,
  range: MinuteRange,
  changes: MinuteChanges,
  clicks: readonly RecordedClick[],
): Promise<RecomputeAnswers> {
  // A row of an ad that nobody knows is taken out, but nothing can be told of it.
  const { size } = shared.dictionary(adDictionary);
  const known = bucketChanges(changes).filter(({ adKey }) => adKey > 0 && adKey <= size);
  const concerned = new Map<number, Bucket>();
  for (const { minute, adKey } of known) concerned.set(bucketKey(minute, adKey), { minute, adKey });
  for (const { clickTimestampMs, adKey } of clicks) {
    const minute = minuteOf(clickTimestampMs);
    concerned.set(bucketKey(minute, adKey), { minute, adKey });
  }
  const buckets = [...concerned.values()];
  const states = buckets.length > 0 ? await store.bucketStates(buckets) : [];
  return {
    range,
    changes,
    bucketChanges: known,
    clicks,
    buckets: new RecordBuckets(buckets, states),
  };
}

/** Those of the partition; what is no ad at all is the first's. */
function adsOf({ partition, shared }: PartitionState, partitionCount: number): AdSelection {
  const ads = shared.dictionary(adDictionary);
  return (adKey) => {
    if (adKey < 1 || adKey > ads.size) return partition === 0;
    let own = 0;
    ads.withBytes(adKey, (source, start, end) => {
      own = partitionOfRange(source, start, end, partitionCount);
    });
    return own === partition;
  };
}
