/** The ranking: who leads, who has risen, and how it went. */

import { useMemo } from "preact/hooks";
import type { BreakdownAnswer, TopAnswer } from "../../src/query/query-service.ts";
import { pathWith } from "../client/api.ts";
import { useAnswer } from "../client/use-answer.ts";
import { narrowed, valuesThatFit } from "../model/filter.ts";
import { formatShare } from "../model/format.ts";
import { rangeBefore, refreshEveryMs, wholeHours } from "../model/period.ts";
import type { RankChange } from "../model/rank-changes.ts";
import { describeChange, rankChanges } from "../model/rank-changes.ts";
import { stepSeconds, wholeSeries } from "../model/series.ts";
import { CountButton } from "./count-button.tsx";
import { Link } from "./link.tsx";
import { Spark } from "./spark.tsx";

/** They show how it went, which takes its time. */
const linesEveryTurns = 2;
/** Places that are looked for an ad in the ranking before; further down it is new. */
const rankedBeforeMax = "1000";
/** Up to so many minutes a line has a point for each. */
const minutesOfMinuteLines = 180;

interface TopAdsProps {
  readonly answer: TopAnswer;
}

export function TopAds({ answer }: TopAdsProps) {
  const { from, to, ads } = answer;
  const filter = answer.filter ?? "";
  const changes = useChanges(answer, filter);
  const lines = useLines(answer, filter);
  const most = ads[0]?.count ?? 1;
  return (
    <div class="table-box" tabIndex={0} role="region" aria-labelledby="top-title">
      <table class="top">
        <thead>
          <tr>
            <th scope="col" class="number">
              #
            </th>
            <th scope="col" title="Against the time of the same length before">
              <span class="visually-hidden">Change of place</span>
              <span aria-hidden="true">±</span>
            </th>
            <th scope="col">Ad</th>
            <th scope="col" class="wide">
              How it went
            </th>
            <th scope="col" class="number">
              Clicks
            </th>
            <th scope="col" class="wide">
              <span class="visually-hidden">Against the first</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {ads.map(({ rank, ad_id: adId, count }) => (
            <tr key={adId}>
              <td class="number rank">{rank}</td>
              <td>
                <Change change={changes.get(adId)} />
              </td>
              <th scope="row">
                <Link to={{ view: "ad", adId }} class="ad">
                  {adId}
                </Link>
              </th>
              <td class="wide">
                <AdLine adId={adId} lines={lines} />
              </td>
              <td class="number">
                <CountButton count={count} of={{ adId, from, to, filter }} label={adId} />
              </td>
              <td class="wide share-cell">
                <meter
                  class="share"
                  min={0}
                  max={most}
                  value={count}
                  aria-label={`${formatShare(count / most)} of the first`}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Nothing, rather than a line that says nothing came, where it is not known. */
function AdLine({ adId, lines }: { readonly adId: string; readonly lines: Lines }) {
  const counts = lines.counts.get(adId);
  if (!counts) return <div class="spark-room" />;
  return <Spark counts={counts} starts={lines.starts} label={`How ${adId} went`} />;
}

function Change({ change }: { readonly change: RankChange | undefined }) {
  if (!change)
    return (
      <span class="change" aria-hidden="true">
        ·
      </span>
    );
  const text = { same: "=", new: "new", up: "▲", down: "▼" }[change.kind];
  return (
    <span class={`change change-${change.kind}`} title={describeChange(change)}>
      <span aria-hidden="true">
        {text}
        {"places" in change && change.places}
      </span>
      <span class="visually-hidden">{describeChange(change)}</span>
    </span>
  );
}

function useChanges({ from, to, ads }: TopAnswer, filter: string): ReadonlyMap<string, RankChange> {
  const parameters = { ...rangeBefore(from, to), filter, topN: rankedBeforeMax };
  const { answer } = useAnswer<TopAnswer>(pathWith("v1/top", parameters));
  return useMemo(() => rankChanges(ads, answer?.ads ?? []), [ads, answer]);
}

interface Lines {
  readonly starts: readonly number[];
  readonly counts: ReadonlyMap<string, ReadonlyMap<number, number>>;
}

function useLines({ from, to, ads }: TopAnswer, filter: string): Lines {
  const minutes = (Date.parse(to) - Date.parse(from)) / 60_000;
  const granularity = minutes <= minutesOfMinuteLines ? "minute" : "hour";
  const values = valuesThatFit(ads.map(({ ad_id }) => ad_id)).toSorted();
  const ofAds = narrowed(filter, [{ field: "ad_id", isNot: false, values }]);
  const { answer } = useAnswer<BreakdownAnswer>(
    values.length === 0
      ? undefined
      : pathWith("v1/breakdown", {
          by: "ad_id",
          granularity,
          ...(granularity === "hour" ? wholeHours(from, to) : { from, to }),
          filter: ofAds,
          limit: "100000",
        }),
    refreshEveryMs(minutes) * linesEveryTurns,
  );
  return useMemo(() => {
    const counts = new Map<string, Map<number, number>>();
    for (const row of answer?.rows ?? []) {
      const adId = String(row["ad_id"]);
      const own = counts.get(adId) ?? new Map<number, number>();
      own.set(Date.parse(String(row["start"])) / 1000, Number(row["count"]));
      counts.set(adId, own);
    }
    const range = answer ?? { from, to };
    const buckets = wholeSeries(new Map(), range, granularity, null);
    // The minute that has only begun would look like a fall.
    const nowSeconds = Date.now() / 1000;
    const whole = buckets.filter(
      ({ startSeconds }) => startSeconds + stepSeconds[granularity] <= nowSeconds,
    );
    return { starts: whole.map(({ startSeconds }) => startSeconds), counts };
  }, [answer]);
}
