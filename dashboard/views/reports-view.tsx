/** Counts of whole days of a zone, by up to three fields, for whoever bills or plans with them. */

import { useMemo } from "preact/hooks";
import type { BreakdownAnswer } from "../../src/query/query-service.ts";
import { pathWith } from "../client/api.ts";
import { useNavigation } from "../client/navigation.ts";
import { useAnswer } from "../client/use-answer.ts";
import { usePages } from "../client/use-pages.ts";
import type { Address } from "../model/address.ts";
import { byFieldsMax, rangeParameters } from "../model/address.ts";
import { conditionOfCell, narrowed } from "../model/filter.ts";
import { formatBucket, formatCount, formatRange } from "../model/format.ts";
import type { Period } from "../model/period.ts";
import { bucketEnd, periodOfRange, presetPeriod, presets, rangeOfPeriod } from "../model/period.ts";
import { addDays } from "../model/zone.ts";
import { Answered, Empty } from "../parts/answer-states.tsx";
import { CloseCard } from "../parts/close-card.tsx";
import { CountButton } from "../parts/count-button.tsx";
import { CsvButton } from "../parts/csv-button.tsx";
import { FilterPicker, useFields } from "../parts/filter-picker.tsx";
import { Link } from "../parts/link.tsx";
import { MoreRows } from "../parts/more-rows.tsx";
import { StatusBadge } from "../parts/status-badge.tsx";
import { ZonePicker } from "../parts/zone-picker.tsx";

type Row = BreakdownAnswer["rows"][number];

const rowsAPage = 200;
const rowsACsvPage = 100_000;

export function ReportsView() {
  const { address } = useNavigation();
  const { zone, filter, granularity, by } = address;
  const period = usePeriod(address);
  const range = rangeOfPeriod(period, zone);
  const parameters = {
    ...rangeParameters(range),
    by: by.join(","),
    filter,
    granularity,
    tz: zone,
  };
  const total = useAnswer<BreakdownAnswer>(
    pathWith("v1/breakdown", { ...rangeParameters(range), filter }),
  );
  const pages = usePages<BreakdownAnswer, Row>(
    "v1/breakdown",
    { ...parameters, limit: String(rowsAPage) },
    ({ rows }) => rows,
  );
  const { first } = pages;
  const days = { from: period.first, to: addDays(period.last, 1), tz: zone };
  return (
    <>
      <h1>Reports</h1>
      <section class="toolbar" aria-label="What is shown">
        <PeriodPicker period={period} />
        <GroupPicker />
        <ZonePicker />
        <FilterPicker />
      </section>
      <section class="card" aria-labelledby="report-title">
        <header class="card-head">
          <h2 id="report-title">
            {period.first === period.last ? period.first : `${period.first} to ${period.last}`}
          </h2>
          {total.answer && (
            <p class="card-note">
              <CountButton
                count={Number(total.answer.rows[0]?.["count"] ?? 0)}
                of={{ adId: "", from: total.answer.from, to: total.answer.to, filter }}
                label="in all"
              />{" "}
              clicks in all <StatusBadge status={total.answer.status} />
            </p>
          )}
          <div class="card-tools">
            <CsvButton
              table={{ path: "v1/breakdown", parameters, limit: rowsACsvPage }}
              name={`report-${period.first}-${period.last}`}
            />
            <CsvButton
              table={{ path: "v1/statement", parameters: days, limit: rowsACsvPage }}
              name={`statement-${period.first}-${period.last}`}
              label="Statement"
            />
          </div>
        </header>
        <Answered
          what="the report"
          answer={first}
          problem={pages.problem}
          isStale={pages.isStale}
          rows={8}
          isEmpty={() => pages.rows.length === 0}
          empty={
            <Empty title="No clicks in this period">
              {filter !== "" && "Or none that fit the filter."}
            </Empty>
          }
        >
          {(answer) => (
            <>
              <ReportTable answer={answer} rows={pages.rows} />
              <MoreRows pages={pages} what={pages.rows.length === 1 ? "row" : "rows"} />
            </>
          )}
        </Answered>
      </section>
      <CloseCard period={period} />
    </>
  );
}

/** The days that the address names, or today. */
function usePeriod({ range, zone }: Address): Period {
  return useMemo(
    () =>
      "window" in range
        ? presetPeriod("today", Date.now(), zone)
        : periodOfRange(range, Date.now(), zone),
    [range, zone],
  );
}

function PeriodPicker({ period }: { readonly period: Period }) {
  const { address, go } = useNavigation();
  const { zone } = address;
  const set = (next: Period): void => {
    if (next.first !== "" && next.last !== "" && next.first <= next.last)
      go({ range: rangeOfPeriod(next, zone) });
  };
  const current = presets.find((preset) => {
    const { first, last } = presetPeriod(preset, Date.now(), zone);
    return first === period.first && last === period.last;
  });
  return (
    <div class="field" role="group" aria-label="Period">
      <span class="field-label" aria-hidden="true">
        Period
      </span>
      <div class="row">
        <select
          aria-label="Period"
          value={current ?? ""}
          onChange={(event) => {
            const preset = presets.find((name) => name === event.currentTarget.value);
            if (preset) set(presetPeriod(preset, Date.now(), zone));
          }}
        >
          {current === undefined && <option value="">from – to</option>}
          {presets.map((preset) => (
            <option key={preset} value={preset}>
              {preset}
            </option>
          ))}
        </select>
        <input
          type="date"
          aria-label="First day"
          max={period.last}
          value={period.first}
          onChange={(event) => set({ ...period, first: event.currentTarget.value })}
        />
        <span aria-hidden="true">–</span>
        <input
          type="date"
          aria-label="Last day"
          min={period.first}
          value={period.last}
          onChange={(event) => set({ ...period, last: event.currentTarget.value })}
        />
      </div>
    </div>
  );
}

/** A field for each place that is taken, and one more while there is room. */
function GroupPicker() {
  const { address, go } = useNavigation();
  const { by, granularity } = address;
  const fields = useFields();
  const places = [...by, ...(by.length < byFieldsMax ? [""] : [])];
  const set = (place: number, field: string): void => {
    const next = places.map((known, i) => (i === place ? field : known));
    go({ by: next.filter((known) => known !== "") });
  };
  return (
    <div class="field" role="group" aria-label="Group by">
      <span class="field-label" aria-hidden="true">
        Group by
      </span>
      <div class="row">
        <select
          aria-label="Time of a row"
          value={granularity}
          onChange={(event) =>
            go({ granularity: event.currentTarget.value as Address["granularity"] })
          }
        >
          <option value="">whole period</option>
          <option value="day">day</option>
          <option value="hour">hour</option>
          <option value="minute">minute</option>
        </select>
        {places.map((field, place) => (
          <select
            key={place}
            aria-label={`Field ${place + 1}`}
            value={field}
            onChange={(event) => set(place, event.currentTarget.value)}
          >
            <option value="">{field === "" ? "+ field" : "no field"}</option>
            {[...new Set([...fields, ...(field === "" ? [] : [field])])]
              .filter((name) => name === field || !by.includes(name))
              .map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
          </select>
        ))}
      </div>
    </div>
  );
}

interface ReportTableProps {
  readonly answer: BreakdownAnswer;
  readonly rows: readonly Row[];
}

function ReportTable({ answer, rows }: ReportTableProps) {
  const { address } = useNavigation();
  const { zone, granularity } = address;
  const { by, from, to } = answer;
  const filter = answer.filter ?? "";
  const hasStart = rows[0]?.["start"] !== undefined;
  return (
    <div class="table-box" tabIndex={0} role="region" aria-labelledby="report-title">
      <table class="report">
        <thead>
          <tr>
            {hasStart && <th scope="col">{granularity}</th>}
            {by.map((field) => (
              <th key={field} scope="col">
                {field}
              </th>
            ))}
            {!hasStart && by.length === 0 && <th scope="col">Period</th>}
            <th scope="col" class="number">
              Clicks
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const start = row["start"] === undefined ? undefined : String(row["start"]);
            const values = by.map((field) => (row[field] === null ? null : String(row[field])));
            const adId = values[by.indexOf("ad_id")] ?? "";
            const cells = by.flatMap((field, i) =>
              field === "ad_id" ? [] : [conditionOfCell(field, values[i]!)],
            );
            const range =
              start === undefined
                ? { from, to }
                : { from: start, to: bucketEnd(start, granularity || "day", zone, to) };
            const name = [start && formatBucket(start, granularity || "day", zone), ...values]
              .filter(Boolean)
              .join(", ");
            return (
              <tr key={`${start} ${JSON.stringify(values)}`}>
                {start !== undefined && (
                  <th scope="row" class="time">
                    {formatBucket(start, granularity || "day", zone)}
                  </th>
                )}
                {values.map((value, i) => (
                  <td key={by[i]}>
                    <Value field={by[i]!} value={value} />
                  </td>
                ))}
                {start === undefined && by.length === 0 && (
                  <th scope="row" class="time">
                    {formatRange(from, to, zone)}
                  </th>
                )}
                <td class="number">
                  <CountButton
                    count={Number(row["count"])}
                    of={{ adId, ...range, filter: narrowed(filter, cells) }}
                    label={name === "" ? "in all" : name}
                  />
                </td>
              </tr>
            );
          })}
        </tbody>
        {rows.length > 1 && (
          <tfoot>
            <tr>
              <th scope="row" colSpan={by.length + (hasStart ? 1 : 0)}>
                Sum of the rows shown
              </th>
              <td class="number">
                {formatCount(rows.reduce((sum, row) => sum + Number(row["count"]), 0))}
              </td>
            </tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}

function Value({ field, value }: { readonly field: string; readonly value: string | null }) {
  if (value === null) return <em class="muted">missing</em>;
  if (field !== "ad_id") return <>{value}</>;
  return (
    <Link to={{ view: "ad", adId: value }} class="ad">
      {value}
    </Link>
  );
}
