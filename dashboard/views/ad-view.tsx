/** One ad: its number, how final it is, and every minute behind it. */

import { useMemo, useState } from "preact/hooks";
import type {
  BreakdownAnswer,
  CountAnswer,
  SeriesPoint,
  TopAnswer,
} from "../../src/query/query-service.ts";
import type { DimensionsAnswer } from "../../src/api/live-schemas.ts";
import { pathWith } from "../client/api.ts";
import { useNavigation } from "../client/navigation.ts";
import { useAnswer } from "../client/use-answer.ts";
import { byFieldsMax, rangeParameters } from "../model/address.ts";
import { conditionOfCell, formatConditions } from "../model/filter.ts";
import { formatBucket, formatCount, formatMinute, formatRange } from "../model/format.ts";
import { granularityFor, rangeMinutes, refreshEveryMs } from "../model/period.ts";
import { Answered, Empty } from "../parts/answer-states.tsx";
import { BreakdownList } from "../parts/breakdown-list.tsx";
import { Chart } from "../parts/chart.tsx";
import { CountButton } from "../parts/count-button.tsx";
import { CsvButton } from "../parts/csv-button.tsx";
import { useFields } from "../parts/filter-picker.tsx";
import { JournalTable } from "../parts/journal-table.tsx";
import { StatusBadge, statusMeanings } from "../parts/status-badge.tsx";
import { Toolbar } from "../parts/toolbar.tsx";

/** Rows of the table of minutes; what is before them is in the chart, the CSV, and a shorter time. */
const pointsShownMax = 500;
const breakdownsMax = 4;
/** Attributes change: the clicks of a time may have had several of them, and none. */
const combinationsMax = 5;

export function AdView() {
  const { address } = useNavigation();
  const { adId } = address;
  return (
    <>
      <h1 class={adId === "" ? "" : "ad-title"}>{adId === "" ? "One ad" : adId}</h1>
      <Toolbar>
        <AdPicker key={adId} />
      </Toolbar>
      {adId === "" ? (
        <Empty title="Which ad?">Write its id above, or choose one of the most clicked.</Empty>
      ) : (
        <Ad key={adId} adId={adId} />
      )}
    </>
  );
}

function AdPicker() {
  const { address, go } = useNavigation();
  const [text, setText] = useState(address.adId);
  const { answer } = useAnswer<TopAnswer>(
    pathWith("v1/top", { ...rangeParameters(address.range), topN: "100" }),
  );
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    if (text !== "") go({ adId: text });
  };
  return (
    <form class="field" onSubmit={onSubmit}>
      <label class="field-label" for="ad-id">
        Ad
      </label>
      <input
        id="ad-id"
        class="ad-id"
        list="ad-ids"
        autocomplete="off"
        spellcheck={false}
        placeholder="ad_id"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onChange={onSubmit}
      />
      <datalist id="ad-ids">
        {answer?.ads.map(({ ad_id }) => (
          <option key={ad_id} value={ad_id} />
        ))}
      </datalist>
    </form>
  );
}

function Ad({ adId }: { readonly adId: string }) {
  const { address, go } = useNavigation();
  const { range, filter, zone } = address;
  const granularity = address.granularity || granularityFor(rangeMinutes(range));
  const parameters = {
    ...rangeParameters(range),
    filter,
    granularity,
    ...(granularity !== "minute" && { tz: zone }),
  };
  const path = `v1/ads/${encodeURIComponent(adId)}/aggregated_count`;
  const counted = useAnswer<CountAnswer>(
    pathWith(path, parameters),
    refreshEveryMs(rangeMinutes(range)),
  );
  return (
    <>
      <section class="card" aria-labelledby="ad-series-title">
        <header class="card-head">
          <h2 id="ad-series-title">Clicks by {granularity}</h2>
          <Attributes adId={adId} />
          <div class="card-tools">
            <label class="inline-field">
              By
              <select
                value={granularity}
                onChange={(event) =>
                  go({ granularity: event.currentTarget.value as typeof granularity })
                }
              >
                {["minute", "hour", "day"].map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
            <CsvButton table={{ path, parameters }} name={`${adId}-by-${granularity}`} />
          </div>
        </header>
        <Answered
          what="the series of the ad"
          answer={counted.answer}
          problem={counted.problem}
          isStale={counted.isStale}
          rows={8}
          isEmpty={() => false}
          empty={null}
          onRetry={counted.reload}
        >
          {(answer) => <Series answer={answer} granularity={granularity} />}
        </Answered>
      </section>
      <Breakdowns adId={adId} />
      {counted.answer && counted.answer.revision > 0 && (
        <section class="card" aria-labelledby="ad-journal-title">
          <header class="card-head">
            <h2 id="ad-journal-title">What changed after it was final</h2>
          </header>
          <JournalTable
            parameters={{ from: counted.answer.from, to: counted.answer.to, ad_id: adId }}
            version={counted.answer.revision}
            labelledBy="ad-journal-title"
          />
        </section>
      )}
    </>
  );
}

interface SeriesProps {
  readonly answer: CountAnswer;
  readonly granularity: "minute" | "hour" | "day";
}

function Series({ answer, granularity }: SeriesProps) {
  const { address, explain } = useNavigation();
  const { zone } = address;
  const filter = answer.filter ?? "";
  const { ad_id: adId, from, to, count, status, revision, final_through: finalThrough } = answer;
  const series = answer.series ?? [];
  const buckets = useMemo(
    () => series.map((point) => ({ ...point, startSeconds: Date.parse(point.start) / 1000 })),
    [answer],
  );
  const rangeOf = (i: number): { from: string; to: string } => ({
    from: series[i]!.start,
    to: series[i + 1]?.start ?? to,
  });
  return (
    <>
      <div class="headline">
        <CountButton
          count={count}
          of={{ adId, from, to, filter }}
          label={adId}
          class="count-large"
        />
        <StatusBadge status={status} revision={revision} />
        <p class="headline-note">
          {formatRange(from, to, zone)}: {statusMeanings[status]}
          {finalThrough !== null && `. Final through ${formatMinute(finalThrough, zone)}`}.
        </p>
      </div>
      <Chart
        buckets={buckets}
        zone={zone}
        label={`Clicks of ${adId} by ${granularity}: ${formatCount(count)} in all. The table below has every ${granularity}.`}
        onPick={({ startSeconds }) => {
          const i = buckets.findIndex((bucket) => bucket.startSeconds === startSeconds);
          explain({ adId, filter, ...rangeOf(i) });
        }}
      />
      <details class="points">
        <summary>Every {granularity} as a table</summary>
        <PointTable answer={answer} series={series} granularity={granularity} rangeOf={rangeOf} />
      </details>
    </>
  );
}

interface PointTableProps {
  readonly answer: CountAnswer;
  readonly series: readonly SeriesPoint[];
  readonly granularity: "minute" | "hour" | "day";
  readonly rangeOf: (i: number) => { readonly from: string; readonly to: string };
}

/** The newest first. */
function PointTable({ answer, series, granularity, rangeOf }: PointTableProps) {
  const { address } = useNavigation();
  const { zone } = address;
  const filter = answer.filter ?? "";
  const shown = series.map((point, i) => ({ point, i })).toReversed();
  return (
    <div class="table-box table-tall" tabIndex={0} role="region" aria-label={`By ${granularity}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Start</th>
            <th scope="col" class="number">
              Clicks
            </th>
            <th scope="col">Status</th>
          </tr>
        </thead>
        <tbody>
          {shown.slice(0, pointsShownMax).map(({ point, i }) => (
            <tr key={point.start}>
              <th scope="row" class="time">
                {formatBucket(point.start, granularity, zone)}
              </th>
              <td class="number">
                <CountButton
                  count={point.count}
                  of={{ adId: answer.ad_id, filter, ...rangeOf(i) }}
                  label={formatBucket(point.start, granularity, zone)}
                />
              </td>
              <td>
                <StatusBadge status={point.status} revision={point.revision} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length > pointsShownMax && (
        <p class="hint">
          The newest {formatCount(pointsShownMax)} of {formatCount(shown.length)}; all of them are
          in the CSV.
        </p>
      )}
    </div>
  );
}

/** Those that most of its clicks of this time had. An ad without any is no error, which asking for them by name would be. */
function Attributes({ adId }: { readonly adId: string }) {
  const { address } = useNavigation();
  const names = useFields().filter((field) => field.startsWith("ad."));
  const ofAd = formatConditions([conditionOfCell("ad_id", adId)]);
  const { answer } = useAnswer<BreakdownAnswer>(
    names.length === 0
      ? undefined
      : pathWith("v1/breakdown", {
          ...rangeParameters(address.range),
          by: names.slice(0, byFieldsMax).join(","),
          order: "count",
          limit: String(combinationsMax),
          filter: ofAd,
        }),
  );
  const row = answer?.rows.find((found) => names.some((name) => typeof found[name] === "string"));
  if (!row) return null;
  const known = names.filter((name) => typeof row[name] === "string");
  return (
    <ul class="attributes" aria-label="Attributes of the ad">
      {known.map((name) => (
        <li key={name}>
          <span>{name.slice(3)}</span> {row[name]}
        </li>
      ))}
    </ul>
  );
}

/** By the first of the dimensions that answer at once; those of raw clicks take too long to be asked unbidden. */
function Breakdowns({ adId }: { readonly adId: string }) {
  const { address } = useNavigation();
  const { answer } = useAnswer<DimensionsAnswer>("v1/dimensions");
  const quick = answer?.dimensions.filter((dimension) => dimension.in === "minute") ?? [];
  return (
    <div class="breakdowns">
      {quick.slice(0, breakdownsMax).map(({ name }) => (
        <BreakdownList key={name} field={name} adId={adId} range={address.range} />
      ))}
    </div>
  );
}
