import { formatMinute, formatTime } from "../model/time.ts";
import type { ClosesAnswer } from "./billing.ts";
import type { QueryView } from "./query-view.ts";

/** What is closed, the latest period last. */
export function answerCloses(view: QueryView): ClosesAnswer {
  const { snapshot } = view;
  const closes = view.closedPeriods(snapshot).map((period) => ({
    id: period.id,
    through: formatMinute(period.throughMinute),
    tz: period.tz,
    received_at: formatTime(period.receivedAtMs),
    as_of: period.asOf,
  }));
  return { closed_through: closes.at(-1)?.through ?? null, as_of: snapshot.asOf, closes };
}
