/** From a number to its clicks: what is counted and why, what is not and why not. */

import { useEffect, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";
import type { OutcomeName } from "../../src/model/outcome.ts";
import type {
  BreakdownAnswer,
  ExplainAnswer,
  ExplainedClick,
} from "../../src/query/query-service.ts";
import { pathWith } from "../client/api.ts";
import { useNavigation } from "../client/navigation.ts";
import { useAnswer } from "../client/use-answer.ts";
import { usePages } from "../client/use-pages.ts";
import type { Explained } from "../model/address.ts";
import { formatCount, formatDuration, formatRange, formatTime } from "../model/format.ts";
import { Answered, Empty } from "../parts/answer-states.tsx";
import { CountButton } from "../parts/count-button.tsx";
import { CsvButton } from "../parts/csv-button.tsx";
import { MoreRows } from "../parts/more-rows.tsx";
import { StatusBadge } from "../parts/status-badge.tsx";

const clicksAPage = 100;
const clicksACsvPage = 10_000;
const adsShown = 50;

const outcomeMeanings: Readonly<Record<OutcomeName, string>> = {
  counted: "counted in time",
  restated: "counted after the minute was final, which restated it",
  duplicate: "had come before, and is counted once",
  quarantined: "came too late and waits for a release",
  expired: "came too late to be told from a duplicate, and waits for a release",
  invalid: "could not be read",
  voided: "taken out by a verdict",
};
const countedOutcomes: ReadonlySet<OutcomeName> = new Set(["counted", "restated"]);

export function ExplainDrawer({ explained }: { readonly explained: Explained }) {
  const { go } = useNavigation();
  const dialog = useRef<HTMLDialogElement>(null);
  const close = (): void => go({ explained: undefined });
  useEffect(() => dialog.current?.showModal(), []);
  // A click on the dialog itself, and not on what is in it, is one on the backdrop.
  const onClick = (event: MouseEvent): void => {
    if (event.target === dialog.current) close();
  };
  return (
    <dialog
      ref={dialog}
      class="drawer"
      aria-labelledby="explain-title"
      onClose={close}
      onClick={onClick}
    >
      <div class="drawer-body">
        {explained.adId === "" ? (
          <ByAd explained={explained} onClose={close} />
        ) : (
          <OfAd explained={explained} onClose={close} />
        )}
      </div>
    </dialog>
  );
}

interface DrawerHeadProps {
  readonly title: ComponentChildren;
  readonly explained: Explained;
  readonly onClose: () => void;
  readonly children?: ComponentChildren;
}

function DrawerHead({ title, explained, onClose, children }: DrawerHeadProps) {
  const { address } = useNavigation();
  const { from, to, filter } = explained;
  return (
    <header class="drawer-head">
      <div>
        <h2 id="explain-title" tabIndex={-1} autofocus>
          {title}
        </h2>
        <p class="card-note">
          {formatRange(from, to, address.zone)} · {address.zone}
          {filter !== "" && (
            <>
              {" · "}
              <code>{filter}</code>
            </>
          )}
        </p>
      </div>
      <div class="card-tools">
        {children}
        <button type="button" class="quiet" aria-label="Close" onClick={onClose}>
          ✕
        </button>
      </div>
    </header>
  );
}

interface DrawerPartProps {
  readonly explained: Explained;
  readonly onClose: () => void;
}

/** A number of many ads: first which of them, then their clicks. */
function ByAd({ explained, onClose }: DrawerPartProps) {
  const { from, to, filter } = explained;
  const all = useAnswer<BreakdownAnswer>(pathWith("v1/breakdown", { from, to, filter }));
  const parameters = { from, to, filter, by: "ad_id" };
  const ads = useAnswer<BreakdownAnswer>(
    pathWith("v1/breakdown", { ...parameters, order: "count", limit: String(adsShown) }),
  );
  const total = Number(all.answer?.rows[0]?.["count"] ?? 0);
  return (
    <>
      <DrawerHead
        title={
          all.answer ? `The ads behind ${formatCount(total)} clicks` : "The ads behind a number"
        }
        explained={explained}
        onClose={onClose}
      >
        <CsvButton table={{ path: "v1/breakdown", parameters, limit: 100_000 }} name="ads" />
      </DrawerHead>
      <Answered
        what="the ads"
        answer={ads.answer}
        problem={ads.problem ?? all.problem}
        isEmpty={({ rows }) => rows.length === 0}
        empty={<Empty title="No clicks are behind this number" />}
        onRetry={ads.reload}
      >
        {({ rows }) => {
          const shown = rows.reduce((sum, row) => sum + Number(row["count"]), 0);
          return (
            <table>
              <thead>
                <tr>
                  <th scope="col">Ad</th>
                  <th scope="col" class="number">
                    Clicks
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => {
                  const adId = String(row["ad_id"]);
                  return (
                    <tr key={adId}>
                      <th scope="row">{adId}</th>
                      <td class="number">
                        <CountButton
                          count={Number(row["count"])}
                          of={{ ...explained, adId }}
                          label={adId}
                        />
                      </td>
                    </tr>
                  );
                })}
              </tbody>
              {total > shown && (
                <tfoot>
                  <tr>
                    <th scope="row">all others</th>
                    <td class="number">{formatCount(total - shown)}</td>
                  </tr>
                </tfoot>
              )}
            </table>
          );
        }}
      </Answered>
    </>
  );
}

function OfAd({ explained, onClose }: DrawerPartProps) {
  const { adId, from, to, filter } = explained;
  const path = `v1/ads/${encodeURIComponent(adId)}/explain`;
  const parameters = { from, to, filter };
  const pages = usePages<ExplainAnswer, ExplainedClick>(
    path,
    { ...parameters, limit: String(clicksAPage) },
    ({ clicks }) => clicks,
  );
  return (
    <>
      <DrawerHead
        title={
          pages.first
            ? `The clicks behind ${formatCount(pages.first.count)}`
            : "The clicks behind a number"
        }
        explained={explained}
        onClose={onClose}
      >
        <CsvButton table={{ path, parameters, limit: clicksACsvPage }} name={`${adId}-clicks`} />
      </DrawerHead>
      <Answered
        what="the clicks"
        answer={pages.first}
        problem={pages.problem}
        rows={8}
        isEmpty={() => false}
        empty={null}
      >
        {(answer) => (
          <>
            <p class="ad-line">
              <strong>{adId}</strong>{" "}
              <StatusBadge status={answer.status} revision={answer.revision} />
            </p>
            <Sum answer={answer} />
            {pages.rows.length === 0 ? (
              <Empty title="No click of this time fits" />
            ) : (
              <>
                <Clicks answer={answer} clicks={pages.rows} />
                <MoreRows pages={pages} what="clicks" />
              </>
            )}
          </>
        )}
      </Answered>
    </>
  );
}

/** The number as a sum, and beside it what is not in it. */
function Sum({ answer }: { readonly answer: ExplainAnswer }) {
  const { count, outcomes } = answer;
  const others = (Object.keys(outcomeMeanings) as OutcomeName[]).filter(
    (name) => !countedOutcomes.has(name) && outcomes[name] > 0,
  );
  return (
    <div class="sum">
      <p class="sum-line" data-testid="explain-sum">
        <Outcome name="counted" count={outcomes.counted} /> <span aria-hidden="true">+</span>{" "}
        <Outcome name="restated" count={outcomes.restated} /> <span aria-hidden="true">=</span>{" "}
        <strong>{formatCount(count)}</strong>
      </p>
      <p class="sum-others">
        {others.length === 0
          ? "Nothing else came for it."
          : "Came as well, and is not in the number: "}
        {others.map((name, i) => (
          <span key={name}>
            {i > 0 && ", "}
            <Outcome name={name} count={outcomes[name]} />
          </span>
        ))}
      </p>
    </div>
  );
}

function Outcome({ name, count }: { readonly name: OutcomeName; readonly count: number }) {
  return (
    <span title={outcomeMeanings[name]}>
      {formatCount(count)} {name === "duplicate" && count !== 1 ? "duplicates" : name}
    </span>
  );
}

interface ClicksProps {
  readonly answer: ExplainAnswer;
  readonly clicks: readonly ExplainedClick[];
}

function Clicks({ answer, clicks }: ClicksProps) {
  const { address } = useNavigation();
  const { zone } = address;
  return (
    <div class="table-box" tabIndex={0} role="region" aria-labelledby="explain-title">
      <table class="clicks">
        <thead>
          <tr>
            <th scope="col">Clicked</th>
            <th scope="col">Received</th>
            <th scope="col">Outcome</th>
            {answer.dimensions.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            <th scope="col">Source</th>
            <th scope="col">Event id</th>
          </tr>
        </thead>
        <tbody>
          {clicks.map((click) => (
            <tr key={`${click.partition} ${click.offset} ${click.row}`}>
              <th scope="row" class="time">
                {formatTime(click.click_timestamp, zone)}
              </th>
              <td class="time" title={formatTime(click.received_at, zone)}>
                {delayText(click)}
              </td>
              <td>
                <span
                  class={`outcome outcome-${click.outcome}`}
                  title={outcomeMeanings[click.outcome]}
                >
                  {click.outcome}
                </span>
                {click.original && (
                  <div class="original">
                    of one received {formatTime(click.original.received_at, zone)},{" "}
                    {click.original.outcome}
                  </div>
                )}
              </td>
              {answer.dimensions.map((name) => (
                <td key={name}>{click.dimensions[name] ?? <em class="muted">missing</em>}</td>
              ))}
              <td>{click.source}</td>
              <td class="id">{click.event_id}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** When it came, against when it happened. */
function delayText({ click_timestamp, received_at }: ExplainedClick): string {
  const seconds = (Date.parse(received_at) - Date.parse(click_timestamp)) / 1000;
  return seconds < 0 ? `${formatDuration(-seconds)} before` : `${formatDuration(seconds)} later`;
}
