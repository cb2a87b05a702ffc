/** Asks the store what a recompute or a rollback has to know. All earlier effects must be committed. */

import { bucketChanges } from "../model/minute-changes.ts";
import type { PartitionState } from "../aggregate/state.ts";
import type {
  Recompute,
  RecomputeAnswers,
  RecomputeMaterial,
} from "../aggregate/step-recompute.ts";
import { adDictionary } from "../model/commit.ts";
import { outcomeAgainst } from "../model/late-policy.ts";
import type { RecomputeControl, RollbackControl } from "../model/log-record.ts";
import type { LayoutPiece } from "../model/minute-layout.ts";
import { changedPieces, layoutPieces, relaid } from "../model/minute-layout.ts";
import { bucketOf } from "../model/recorded-click.ts";
import type { Partitioning } from "../model/partition.ts";
import { partitionOf, partOf } from "../model/partition.ts";
import { allRawKept, recomputeClicksMax, recomputeRowsMax, refusalOf } from "../model/recompute.ts";
import { dayOfMinute, minutesADay } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { ClickStore } from "../store/click-store.ts";
import type { AdSelection, RecomputationQuery } from "../store/recomputation.ts";
import { askBuckets } from "./ask-buckets.ts";

export function answerRecompute(
  store: ClickStore,
  state: PartitionState,
  partitioning: Partitioning,
  { receivedAtMs, control }: Recompute,
): Promise<RecomputeAnswers> {
  return control.type === "recompute"
    ? answerRecount(store, state, partitioning, control, receivedAtMs)
    : answerRollback(store, state, partitioning, control);
}

async function answerRecount(
  store: ClickStore,
  state: PartitionState,
  partitioning: Partitioning,
  { from_minute: fromMinute, to_minute: toMinute, late }: RecomputeControl,
  receivedAtMs: number,
): Promise<RecomputeAnswers> {
  const { partition, shared, watermark } = state;
  const range = { fromMinute, toMinute };
  const { finalBeforeMinute } = watermark;
  const rawFromMinute = rawKeptFrom(state, range);
  const refusal = refusalOf(range, { finalBeforeMinute, rawFromMinute });
  if (refusal) return { refusal };
  const inForce = layoutPieces(shared.configs, state.layoutChanges, range);
  const layout = relaid(inForce, shared.configAtReceipt(receivedAtMs).dimensions);
  const changes = await store.recomputation({
    ...range,
    layout,
    ...ownRows(state, partitioning),
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
  const layoutChanges = changedPieces(inForce, layout);
  return await withBuckets(store, state, partOf(partition, partitioning), {
    range,
    layoutChanges,
    changes,
    clicks,
  });
}

async function answerRollback(
  store: ClickStore,
  state: PartitionState,
  partitioning: Partitioning,
  { recompute_id: id }: RollbackControl,
): Promise<RecomputeAnswers> {
  const { partition } = state;
  const last = await store.lastRecompute(partition);
  if (last?.type !== "recompute" || last.id !== id) return { refusal: "none_to_undo" };
  const { from_minute: fromMinute, to_minute: toMinute } = last.result;
  const range = { fromMinute: fromMinute!, toMinute: toMinute! };
  if (rawKeptFrom(state, range) > range.fromMinute) return { refusal: "raw_dropped" };
  const { layoutChanges: changesSoFar, shared } = state;
  const inForce = layoutPieces(shared.configs, changesSoFar, range);
  const others = changesSoFar.filter((change) => change.id !== id);
  const layout = layoutWithin(inForce, layoutPieces(shared.configs, others, range));
  const layoutChanges = changedPieces(inForce, layout);
  const changes =
    layoutChanges.length > 0
      ? await store.recomputation({
          ...range,
          layout,
          ...ownRows(state, partitioning),
          rowsMax: recomputeRowsMax,
        })
      : await store.restatedRows({ ...range, commitSequence: last.asOf });
  if (!changes) return { refusal: "too_large" };
  const clicks = await store.recordedClicks({
    partition,
    range,
    outcomes: ["restated", "quarantined", "voided"],
    changedBy: last.asOf,
  });
  return await withBuckets(store, state, partOf(partition, partitioning), {
    range,
    layoutChanges,
    changes,
    clicks,
  });
}

/** The same layout cut where `pieces` are. */
function layoutWithin(
  pieces: readonly LayoutPiece[],
  layout: readonly LayoutPiece[],
): LayoutPiece[] {
  return pieces.map(({ fromMinute, toMinute }) => {
    const { dimensions } = layout.findLast((piece) => piece.fromMinute <= fromMinute)!;
    return { fromMinute, toMinute, dimensions };
  });
}

/** The minute of the range from which on this partition keeps its clicks. */
function rawKeptFrom({ dropped }: PartitionState, { fromMinute, toMinute }: MinuteRange): number {
  const days = [dayOfMinute(fromMinute), dayOfMinute(toMinute - 1)] as const;
  const firstKept = dropped.firstKeptAfter("raw", ...days);
  return firstKept === undefined ? allRawKept : firstKept * minutesADay;
}

async function withBuckets(
  store: ClickStore,
  { shared }: PartitionState,
  part: number | undefined,
  material: Omit<RecomputeMaterial, "bucketChanges" | "buckets">,
): Promise<RecomputeAnswers> {
  const { changes, clicks } = material;
  // A row of an ad that nobody knows is taken out, but nothing can be told of it.
  const { size } = shared.dictionary(adDictionary);
  const known = bucketChanges(changes).filter(({ adKey }) => adKey > 0 && adKey <= size);
  const concerned = [...known, ...clicks.map(bucketOf)];
  return { ...material, bucketChanges: known, buckets: await askBuckets(store, concerned, part) };
}

/** Of its part, or of its ads, known to this process or not; what is no ad at all is the first's. */
function ownRows(
  { partition, shared }: PartitionState,
  partitioning: Partitioning,
): Pick<RecomputationQuery, "ads" | "partition"> {
  const part = partOf(partition, partitioning);
  if (part !== undefined) return { ads: () => true, partition: part };
  const { partitionCount } = partitioning;
  const ads = shared.dictionary(adDictionary);
  const isOwn: AdSelection = (adKey, adId) => {
    if (adKey >= 1 && adKey <= ads.size)
      return shared.homeOfAd(adKey, partitionCount) === partition;
    return (adId ? partitionOf(Buffer.from(adId), partitionCount) : 0) === partition;
  };
  return { ads: isOwn };
}
