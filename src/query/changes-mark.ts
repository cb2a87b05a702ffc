/**
 * Where a consumer of changes stands, as text: `SEQUENCE-HISTORY`, or the sequence alone, as answers tell it.
 *
 * A store that was put back, or came back without its newest commits, gives their sequences to other commits. Who
 * went on from a sequence alone would miss what these changed and would keep what is gone; the id of the history
 * tells the two apart. What was told before a value was erased from minute rows can't be gone on from either: counts have moved
 * from one place to another, which nobody tells.
 */

import { CodedError } from "../model/errors.ts";
import type { HistoryStart } from "../store/changes.ts";

/** Of what was committed before the first opening that noted one. */
const firstHistory = "0";

export function formatSince(sequence: number, histories: readonly HistoryStart[]): string {
  const history = histories.findLast(({ firstSequence }) => firstSequence <= sequence);
  return `${sequence}-${history?.id ?? firstHistory}`;
}

/**
 * The commit to go on behind. CodedError `invalid_parameter` where the text is none, or beyond `current`, the last
 * commit; `history_replaced` where the store has left that history before that commit.
 */
export function parseSince(
  text: string,
  current: number,
  histories: readonly HistoryStart[],
): number {
  const match = /^(\d{1,15})(?:-([0-9a-f]{1,32}))?$/.exec(text);
  if (!match) throw invalid(`'${text}' is no mark that was told, nor the as_of of an answer`);
  const sequence = Number(match[1]);
  const id = match[2];
  if (sequence === 0) return 0;
  const startedOver = histories.findLast(({ startsOver }) => startsOver)?.firstSequence ?? 0;
  if (sequence < startedOver) throw startOver(sequence, current);
  if (id === undefined) {
    if (sequence > current)
      throw invalid(`${sequence} is ahead of the current commit, ${current}`, { current });
    return sequence;
  }
  const at = histories.findIndex((history) => history.id === id);
  const isKnown = at !== -1 || id === firstHistory;
  const nextFirst = histories[at + 1]?.firstSequence ?? Infinity;
  if (isKnown && sequence <= current && sequence < nextFirst) return sequence;
  throw startOver(sequence, current);
}

export function startOver(sequence: number, current: number): CodedError {
  return new CodedError(
    "history_replaced",
    `since: commit ${sequence} is of a history that the store has left; begin again with since=0, from nothing`,
    { field: "since", details: { current } },
  );
}

function invalid(why: string, details: Readonly<Record<string, unknown>> = {}): CodedError {
  return new CodedError("invalid_parameter", `since: ${why}`, { field: "since", details });
}
