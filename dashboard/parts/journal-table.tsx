/** The restatement journal: what a minute said when it was final, what it says now, and why. */

import type { JournalEntry, RestatementsAnswer } from "../../src/query/query-service.ts";
import { useNavigation } from "../client/navigation.ts";
import { usePages } from "../client/use-pages.ts";
import { formatChange, formatCount, formatMinute, formatTime } from "../model/format.ts";
import { formatInstant } from "../model/zone.ts";
import { Answered, Empty } from "./answer-states.tsx";
import { CountButton } from "./count-button.tsx";
import { Link } from "./link.tsx";
import { MoreRows } from "./more-rows.tsx";

const reasons: Readonly<Record<JournalEntry["reason"], string>> = {
  late: "came late",
  import: "import of the past",
  void: "voided",
  unvoid: "no longer voided",
  release: "released",
  recompute: "recomputed",
  rollback: "recompute undone",
};

interface JournalTableProps {
  readonly parameters: Readonly<Record<string, string>>;
  readonly labelledBy: string;
  readonly version?: number;
}

const journalPageRows = 100;

export function JournalTable({ parameters, labelledBy, version = 0 }: JournalTableProps) {
  const { address } = useNavigation();
  const { zone } = address;
  const pages = usePages<RestatementsAnswer, JournalEntry>(
    "v1/restatements",
    { ...parameters, limit: String(journalPageRows) },
    ({ rows }) => rows,
    version,
  );
  return (
    <Answered
      what="the journal"
      answer={pages.first}
      problem={pages.problem}
      isStale={pages.isStale}
      isEmpty={() => pages.rows.length === 0}
      empty={
        <Empty title="Nothing was restated in this time">
          No number changed after it was final.
        </Empty>
      }
    >
      {() => (
        <>
          <div class="table-box" tabIndex={0} role="region" aria-labelledby={labelledBy}>
            <table>
              <thead>
                <tr>
                  <th scope="col">Minute</th>
                  <th scope="col">Ad</th>
                  <th scope="col" class="number">
                    Before
                  </th>
                  <th scope="col" class="number">
                    After
                  </th>
                  <th scope="col" class="number">
                    Change
                  </th>
                  <th scope="col">Why</th>
                  <th scope="col" class="number">
                    Revision
                  </th>
                  <th scope="col">Received</th>
                  <th scope="col" class="number">
                    Commit
                  </th>
                </tr>
              </thead>
              <tbody>
                {pages.rows.map((entry) => (
                  <Entry
                    key={`${entry.minute} ${entry.ad_id} ${entry.revision}`}
                    entry={entry}
                    zone={zone}
                  />
                ))}
              </tbody>
            </table>
          </div>
          <MoreRows pages={pages} what={pages.rows.length === 1 ? "entry" : "entries"} />
        </>
      )}
    </Answered>
  );
}

function Entry({ entry, zone }: { readonly entry: JournalEntry; readonly zone: string }) {
  const { minute, ad_id: adId, before, after, revision, reason, received_at: receivedAt } = entry;
  const to = formatInstant(Date.parse(minute) + 60_000);
  return (
    <tr>
      <th scope="row" class="time">
        {formatMinute(minute, zone)}
      </th>
      <td>
        <Link to={{ view: "ad", adId }} class="ad">
          {adId}
        </Link>
      </td>
      <td class="number">{formatCount(before)}</td>
      <td class="number">
        <CountButton
          count={after}
          of={{ adId, from: minute, to, filter: "" }}
          label={`${adId} at ${formatMinute(minute, zone)}`}
        />
      </td>
      <td class="number">{formatChange(after - before)}</td>
      <td>{reasons[reason]}</td>
      <td class="number">{revision}</td>
      <td class="time">{formatTime(receivedAt, zone)}</td>
      <td class="number">{formatCount(entry.as_of)}</td>
    </tr>
  );
}
