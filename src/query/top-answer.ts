import { formatMinute } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { Snapshot } from "../store/click-store.ts";
import type { CheckedFilter } from "./parameters.ts";
import type { TopAnswer } from "./query-service.ts";
import type { QueryView } from "./query-view.ts";

export interface TopQuery {
  /** How many ads. */
  readonly most: number;
  readonly range: MinuteRange;
  readonly filter: CheckedFilter | undefined;
}

export async function answerTop(view: QueryView, query: TopQuery): Promise<TopAnswer> {
  const { range, filter } = query;
  const { ads, snapshot } = topInMemory(view, query) ?? (await topInStore(view, query));
  const finality = view.finality(snapshot);
  const restated = await view.restated(range, snapshot, undefined);
  return {
    from: formatMinute(range.fromMinute),
    to: formatMinute(range.toMinute),
    filter: filter?.text ?? null,
    ads: ads.map(({ adId, count }, i) => ({ rank: i + 1, ad_id: adId, count })),
    ...finality.fields(range, restated),
  };
}

interface Top {
  readonly ads: readonly { readonly adId: string; readonly count: number }[];
  readonly snapshot: Snapshot;
}

function topInMemory(
  { hot, snapshot }: QueryView,
  { most, range, filter }: TopQuery,
): Top | undefined {
  if (!hot?.covers(range, filter?.filter)) return undefined;
  return { ads: hot.topAds(range, filter?.filter, most), snapshot };
}

async function topInStore(view: QueryView, { most, range, filter }: TopQuery): Promise<Top> {
  const parts = { groupBy: ["ad_id"], order: "count", limit: most } as const;
  const result = await view.aggregate(range, filter?.filter, parts);
  return {
    ads: result.rows.map(({ group, count }) => ({ adId: group[0] ?? "", count })),
    snapshot: result,
  };
}
