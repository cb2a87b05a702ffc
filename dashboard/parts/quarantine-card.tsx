/** Clicks that came too late to be counted by themselves, and their release. */

import { useState } from "preact/hooks";
import type {
  OperationAnswer,
  PendingOperation,
  QuarantineAnswer,
  QuarantinedClick,
} from "../../src/query/query-service.ts";
import { postJson } from "../client/api.ts";
import { useNavigation } from "../client/navigation.ts";
import { usePages } from "../client/use-pages.ts";
import { formatCount, formatRange, formatTime } from "../model/format.ts";
import { Answered, Empty } from "./answer-states.tsx";
import { Confirm } from "./confirm.tsx";
import { CsvButton } from "./csv-button.tsx";
import { Link } from "./link.tsx";
import { MoreRows } from "./more-rows.tsx";

const rowsAPage = 100;
const rowsACsvPage = 10_000;

interface QuarantineCardProps {
  readonly parameters: Readonly<Record<string, string>>;
}

export function QuarantineCard({ parameters }: QuarantineCardProps) {
  const [version, setVersion] = useState(0);
  const [isAsking, setAsking] = useState(false);
  const [done, setDone] = useState("");
  const pages = usePages<QuarantineAnswer, QuarantinedClick>(
    "v1/quarantine",
    { ...parameters, limit: String(rowsAPage) },
    ({ rows }) => rows,
    version,
  );
  const { first } = pages;
  const onReleased = (text: string): void => {
    setDone(text);
    setVersion(version + 1);
  };
  return (
    <section class="card" aria-labelledby="quarantine-title">
      <header class="card-head">
        <h2 id="quarantine-title">Quarantine</h2>
        <p class="card-note">Clicks that are kept and not counted.</p>
        <div class="card-tools">
          <CsvButton
            table={{ path: "v1/quarantine", parameters, limit: rowsACsvPage }}
            name="quarantine"
          />
          <button
            type="button"
            disabled={pages.rows.length === 0}
            onClick={() => {
              setDone("");
              setAsking(true);
            }}
          >
            Release …
          </button>
        </div>
      </header>
      <p role="status" class={done === "" ? "visually-hidden" : "note note-block"}>
        {done}
      </p>
      <Answered
        what="the quarantine"
        answer={first}
        problem={pages.problem}
        isStale={pages.isStale}
        isEmpty={() => pages.rows.length === 0}
        empty={
          <Empty title="Nothing is in quarantine in this time">
            Clicks come here where <code>late</code> is <code>quarantine</code>, and where they are
            older than the dedup horizon.
          </Empty>
        }
      >
        {() => (
          <>
            <QuarantineTable rows={pages.rows} />
            <MoreRows pages={pages} what={pages.rows.length === 1 ? "click" : "clicks"} />
          </>
        )}
      </Answered>
      {isAsking && first && (
        <ReleaseDialog answer={first} onReleased={onReleased} onClose={() => setAsking(false)} />
      )}
    </section>
  );
}

function QuarantineTable({ rows }: { readonly rows: readonly QuarantinedClick[] }) {
  const { address } = useNavigation();
  const { zone } = address;
  return (
    <div class="table-box" tabIndex={0} role="region" aria-labelledby="quarantine-title">
      <table>
        <thead>
          <tr>
            <th scope="col">Clicked</th>
            <th scope="col">Received</th>
            <th scope="col">Ad</th>
            <th scope="col">Outcome</th>
            <th scope="col">Source</th>
            <th scope="col">Event id</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((click) => (
            <tr key={`${click.partition} ${click.offset} ${click.row}`}>
              <th scope="row" class="time">
                {formatTime(click.click_timestamp, zone)}
              </th>
              <td class="time">{formatTime(click.received_at, zone)}</td>
              <td>
                <Link to={{ view: "ad", adId: click.ad_id }} class="ad">
                  {click.ad_id}
                </Link>
              </td>
              <td>
                <span class={`outcome outcome-${click.outcome}`}>{click.outcome}</span>
              </td>
              <td>{click.source}</td>
              <td class="id">{click.event_id}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface ReleaseDialogProps {
  readonly answer: QuarantineAnswer;
  readonly onReleased: (text: string) => void;
  readonly onClose: () => void;
}

function ReleaseDialog({ answer, onReleased, onClose }: ReleaseDialogProps) {
  const { address } = useNavigation();
  const [reason, setReason] = useState("");
  const { from, to, ad_id: adId } = answer;
  const release = async (): Promise<void> => {
    const result = await postJson<OperationAnswer | PendingOperation>("v1/admin/release", {
      from,
      to,
      ...(adId !== null && { ad_id: adId }),
      reason: reason.trim(),
    });
    onReleased(releasedText(result));
  };
  return (
    <Confirm
      title="Release from quarantine?"
      action="Release"
      onConfirm={release}
      onClose={onClose}
    >
      <p>
        All clicks in quarantine of {adId === null ? "all ads" : <strong>{adId}</strong>},{" "}
        {formatRange(from, to, address.zone)}, are counted after all, each once. Minutes that were
        final are restated, openly.
      </p>
      <label class="confirm-field">
        Why? It is kept with the release.
        <input
          required
          maxLength={500}
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </label>
    </Confirm>
  );
}

function releasedText(result: OperationAnswer | PendingOperation): string {
  if ("pending" in result)
    return "The release is on its way: it is durable, and takes effect in its turn.";
  const { released = 0, duplicates = 0 } = result.result;
  const text = `${formatCount(released)} released`;
  return duplicates === 0 ? `${text}.` : `${text}, ${formatCount(duplicates)} were duplicates.`;
}
