/** Closing a period: from then on its numbers never change. */

import { useState } from "preact/hooks";
import type { CloseAnswer, ClosesAnswer } from "../../src/query/billing.ts";
import type { PendingOperation } from "../../src/query/query-service.ts";
import { postJson } from "../client/api.ts";
import { useNavigation } from "../client/navigation.ts";
import { useAnswer } from "../client/use-answer.ts";
import { formatMinute } from "../model/format.ts";
import type { Period } from "../model/period.ts";
import { rangeOfPeriod } from "../model/period.ts";
import { Answered } from "./answer-states.tsx";
import { Confirm } from "./confirm.tsx";

export function CloseCard({ period }: { readonly period: Period }) {
  const { address } = useNavigation();
  const { zone } = address;
  const closes = useAnswer<ClosesAnswer>("v1/closes");
  const [isAsking, setAsking] = useState(false);
  const [done, setDone] = useState("");
  const range = rangeOfPeriod(period, zone);
  const through = "to" in range ? range.to : "";
  const close = async (): Promise<void> => {
    const answer = await postJson<CloseAnswer | PendingOperation>("v1/admin/close", {
      through,
      tz: zone,
    });
    setDone(
      "pending" in answer
        ? "The close is on its way: it is durable, and takes effect in its turn."
        : `Closed through ${formatMinute(answer.through, zone)}.`,
    );
    closes.reload();
  };
  return (
    <section class="card" aria-labelledby="close-title">
      <header class="card-head">
        <h2 id="close-title">Close</h2>
      </header>
      <Answered
        what="what is closed"
        answer={closes.answer}
        problem={closes.problem}
        rows={2}
        isEmpty={() => false}
        empty={null}
        onRetry={closes.reload}
      >
        {({ closed_through: closed }) => (
          <div class="close-card">
            <p>
              {closed === null
                ? "No period is closed yet."
                : `Everything before ${formatMinute(closed, zone)} is closed.`}{" "}
              What comes to light about a closed period is listed as an adjustment.
            </p>
            {closed !== null && Date.parse(closed) >= Date.parse(through) ? (
              <p class="hint">This period is closed.</p>
            ) : (
              <button type="button" onClick={() => setAsking(true)}>
                Close through {period.last} …
              </button>
            )}
            <p role="status" class="note">
              {done}
            </p>
          </div>
        )}
      </Answered>
      {isAsking && (
        <Confirm
          title={`Close everything through ${period.last}?`}
          action="Close for good"
          onConfirm={close}
          onClose={() => setAsking(false)}
        >
          <p>
            All minutes before {formatMinute(through, zone)} ({zone}) are sealed, of all ads. A
            close can't be undone.
          </p>
        </Confirm>
      )}
    </section>
  );
}
