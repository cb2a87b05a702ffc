/** What happens now: how much, how fast, and which ads lead. */

import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { BreakdownAnswer, TopAnswer } from "../../src/query/query-service.ts";
import { pathWith } from "../client/api.ts";
import type { Live } from "../client/live.ts";
import { useNavigation } from "../client/navigation.ts";
import type { Asked } from "../client/use-answer.ts";
import { useAnswer } from "../client/use-answer.ts";
import { rangeParameters, topNs } from "../model/address.ts";
import { formatCount, formatMinute, formatRange, formatRate } from "../model/format.ts";
import { rangeMinutes, refreshEveryMs } from "../model/period.ts";
import { countsByStart, wholeSeries } from "../model/series.ts";
import type { Bucket } from "../model/series.ts";
import { Answered, Empty, Loading } from "../parts/answer-states.tsx";
import { Chart } from "../parts/chart.tsx";
import { CountButton } from "../parts/count-button.tsx";
import { CsvButton } from "../parts/csv-button.tsx";
import { Spark } from "../parts/spark.tsx";
import { StatusBadge } from "../parts/status-badge.tsx";
import { Toolbar } from "../parts/toolbar.tsx";
import { TopAds } from "../parts/top-ads.tsx";

/** Above it the series is of hours. */
const minutesOfMinuteSeries = 360;

export function LiveView({ live }: { readonly live: Live }) {
  const { address, go } = useNavigation();
  const { range, filter, topN } = address;
  const isWindow = "window" in range;
  const fixed = useAnswer<TopAnswer>(
    isWindow
      ? undefined
      : pathWith("v1/top", { ...rangeParameters(range), filter, topN: String(topN) }),
    refreshEveryMs(rangeMinutes(range)),
  );
  const refused = live.connection.kind === "refused" ? live.connection.problem : undefined;
  const top = isWindow
    ? { answer: live.answer?.top, problem: refused ?? live.problem, isStale: live.isStale }
    : fixed;
  const parameters = { ...rangeParameters(range), filter, topN: String(topN) };
  return (
    <>
      <h1 class="visually-hidden">Live</h1>
      <Toolbar />
      <Figures live={live} />
      <section class="card" aria-labelledby="top-title">
        <header class="card-head">
          <h2 id="top-title">Most clicked ads</h2>
          {top.answer && (
            <p class="card-note">
              {formatRange(top.answer.from, top.answer.to, address.zone)}{" "}
              <StatusBadge status={top.answer.status} />
            </p>
          )}
          <div class="card-tools">
            <label class="inline-field">
              Top
              <select
                value={String(topN)}
                onChange={(event) => go({ topN: Number(event.currentTarget.value) })}
              >
                {topNs.map((most) => (
                  <option key={most} value={String(most)}>
                    {most}
                  </option>
                ))}
              </select>
            </label>
            <CsvButton table={{ path: "v1/top", parameters }} name="top-ads" />
          </div>
        </header>
        <Answered
          what="the most clicked ads"
          answer={top.answer}
          problem={top.problem}
          isStale={top.isStale}
          rows={topN}
          isEmpty={({ ads }) => ads.length === 0}
          empty={<NoClicks />}
        >
          {(answer) => <TopAds answer={answer} />}
        </Answered>
      </section>
    </>
  );
}

function NoClicks() {
  const { address } = useNavigation();
  if (address.filter !== "")
    return (
      <Empty title="No clicks fit the filter in this time">
        Take a condition out, or look at a longer time.
      </Empty>
    );
  return (
    <Empty title="No clicks in this time">
      Clicks that are sent to <code>POST /v1/clicks</code> appear here within moments.
    </Empty>
  );
}

function Figures({ live }: { readonly live: Live }) {
  const { address } = useNavigation();
  const { range, filter } = address;
  const step = rangeMinutes(range) <= minutesOfMinuteSeries ? "minute" : "hour";
  const series = useAnswer<BreakdownAnswer>(
    pathWith("v1/breakdown", {
      ...rangeParameters(range),
      filter,
      granularity: step,
      limit: "100000",
    }),
    refreshEveryMs(rangeMinutes(range)),
  );
  const totals = live.answer?.status.totals;
  // Where nothing will come there is nothing to wait for.
  const none = live.connection.kind === "refused" ? "–" : undefined;
  return (
    <>
      <section class="figures" aria-label="Figures">
        <Figure name="Clicks counted" note="in all, by the ledger">
          {totals ? formatCount(totals.counted + totals.restated) : none}
        </Figure>
        <Figure
          name="Clicks a second"
          note="received, duplicates included"
          beside={live.rates.length > 1 ? <RateLine rates={live.rates} /> : undefined}
        >
          {live.answer ? formatRate(live.answer.clicks_a_second) : none}
        </Figure>
        <WindowFigure series={series} />
      </section>
      <SeriesCard series={series} step={step} />
    </>
  );
}

interface FigureProps {
  readonly name: string;
  readonly note: ComponentChildren;
  readonly beside?: ComponentChildren;
  readonly children: ComponentChildren;
}

function Figure({ name, note, beside, children }: FigureProps) {
  return (
    <div class="figure">
      <h2 class="figure-name">{name}</h2>
      <p class="figure-value">
        {children ?? <span class="skeleton skeleton-figure" aria-label="loading" role="img" />}
      </p>
      <p class="figure-note">{note}</p>
      {beside && <div class="figure-beside">{beside}</div>}
    </div>
  );
}

function RateLine({ rates }: { readonly rates: readonly number[] }) {
  const starts = rates.map((_, i) => i);
  const counts = new Map(rates.map((rate, i) => [i, rate]));
  return (
    <Spark
      counts={counts}
      starts={starts}
      label="Clicks a second, the last minutes"
      width={110}
      height={30}
    />
  );
}

function WindowFigure({ series }: { readonly series: Asked<BreakdownAnswer> }) {
  const { address } = useNavigation();
  const { answer } = series;
  if (!answer)
    return (
      <Figure name="In this time" note="counted">
        {series.problem ? "–" : undefined}
      </Figure>
    );
  const count = answer.rows.reduce((sum, row) => sum + Number(row["count"]), 0);
  const of = { adId: "", from: answer.from, to: answer.to, filter: answer.filter ?? "" };
  return (
    <Figure
      name="In this time"
      note={
        <>
          <StatusBadge status={answer.status} />
          {answer.final_through !== null &&
            ` final through ${formatMinute(answer.final_through, address.zone)}`}
        </>
      }
    >
      <span class={series.isStale ? "stale" : ""}>
        <CountButton count={count} of={of} label="in this time" class="count-large" />
      </span>
    </Figure>
  );
}

interface SeriesCardProps {
  readonly series: Asked<BreakdownAnswer>;
  readonly step: "minute" | "hour";
}

function SeriesCard({ series, step }: SeriesCardProps) {
  const { address, explain } = useNavigation();
  const { range, filter, zone } = address;
  const { answer, problem } = series;
  const buckets = useMemo(
    () => answer && wholeSeries(countsByStart(answer.rows), answer, step, answer.final_through),
    [answer, step],
  );
  const onPick = ({ startSeconds }: Bucket): void => {
    const startMs = startSeconds * 1000;
    const to = new Date(startMs + (step === "minute" ? 60_000 : 3_600_000)).toISOString();
    explain({ adId: "", from: new Date(startMs).toISOString(), to, filter });
  };
  return (
    <section class="card" aria-labelledby="series-title">
      <header class="card-head">
        <h2 id="series-title">Clicks by {step}</h2>
        <div class="card-tools">
          <CsvButton
            table={{
              path: "v1/breakdown",
              parameters: { ...rangeParameters(range), filter, granularity: step },
              limit: 100_000,
            }}
            name={`clicks-by-${step}`}
          />
        </div>
      </header>
      <Answered
        what="the series"
        answer={buckets}
        problem={problem}
        isStale={series.isStale}
        rows={6}
        isEmpty={() => false}
        empty={null}
        onRetry={series.reload}
      >
        {(known) =>
          known.length > 0 ? (
            <Chart
              buckets={known}
              zone={zone}
              onPick={onPick}
              label={`Clicks by ${step}: ${formatCount(known.reduce((sum, { count }) => sum + count, 0))} in ${known.length} ${step}s.`}
            />
          ) : (
            <Loading what="the series" />
          )
        }
      </Answered>
    </section>
  );
}
