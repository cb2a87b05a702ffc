import { formatMinute } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { Snapshot } from "../store/click-store.ts";
import { bucketStarts } from "./calendar.ts";
import { statusOf } from "./finality.ts";
import type { Buckets, CheckedFilter } from "./parameters.ts";
import type { CountAnswer } from "./query-service.ts";
import type { QueryView } from "./query-view.ts";

export interface CountQuery {
  readonly adId: string;
  readonly range: MinuteRange;
  readonly filter: CheckedFilter | undefined;
  readonly buckets: Buckets | undefined;
}

export async function answerCount(view: QueryView, query: CountQuery): Promise<CountAnswer> {
  const { adId, range, filter, buckets } = query;
  const starts = buckets
    ? bucketStarts(range, buckets.granularity, buckets.timeZone)
    : [range.fromMinute];
  const { counts, snapshot } =
    countInMemory(view, query, starts) ?? (await countInStore(view, query, starts));
  const finality = view.finality(snapshot);
  const restated = await view.restated(range, snapshot, adId);
  const series = starts.map((start, i) => {
    const bucket = { fromMinute: start, toMinute: starts[i + 1] ?? range.toMinute };
    return {
      start: formatMinute(start),
      count: counts[i]!,
      status: statusOf(bucket, finality, restated),
      revision: restated.summarize(bucket).revision,
    };
  });
  return {
    ad_id: adId,
    from: formatMinute(range.fromMinute),
    to: formatMinute(range.toMinute),
    filter: filter?.text ?? null,
    count: counts.reduce((sum, count) => sum + count, 0),
    revision: restated.summarize(range).revision,
    ...finality.fields(range, restated),
    ...(buckets && { series }),
  };
}

interface Counts {
  /** By bucket. */
  readonly counts: readonly number[];
  readonly snapshot: Snapshot;
}

function countInMemory(
  { hot, snapshot }: QueryView,
  { adId, range, filter }: CountQuery,
  starts: readonly number[],
): Counts | undefined {
  if (!hot?.covers(range, filter?.filter)) return undefined;
  return { counts: hot.countOfAd(adId, range, filter?.filter, starts), snapshot };
}

async function countInStore(
  view: QueryView,
  { adId, range, filter }: CountQuery,
  starts: readonly number[],
): Promise<Counts> {
  const result = await view.aggregate(range, filter?.filter, {
    adId,
    groupBy: [],
    order: "key",
    limit: starts.length,
    ...(starts.length > 1 && { bucketStarts: starts }),
  });
  const byStart = new Map(result.rows.map(({ bucketStart, count }) => [bucketStart, count]));
  return { counts: starts.map((start) => byStart.get(start) ?? 0), snapshot: result };
}
