import type { OutcomeName } from "../model/outcome.ts";
import { isCounted, Outcome, outcomeCount } from "../model/outcome.ts";
import type { RecordedClick } from "../model/recorded-click.ts";
import { minuteOf } from "../model/time.ts";
import type { Effects } from "./effects.ts";
import type { SharedState } from "./state.ts";

/** By how many clicks a count changes where a click of it goes from one outcome to another: -1, 0 or 1. */
export function countChange(before: OutcomeName, after: OutcomeName): number {
  return Number(isCounted(Outcome[after])) - Number(isCounted(Outcome[before]));
}

/** Gives a recorded click another outcome, and moves it in the ledger; what that does to counts is the caller's. */
export function changeOutcome(click: RecordedClick, after: OutcomeName, effects: Effects): void {
  const moved = new Float64Array(outcomeCount);
  moved[Outcome[click.outcome]] = -1;
  moved[Outcome[after]] = 1;
  effects.addToLedger(click.source, minuteOf(click.receivedAtMs), 0, moved);
  effects.outcomeChanges.push({
    partition: click.partition,
    offset: click.offset,
    row: click.row,
    clickTimestampMs: click.clickTimestampMs,
    adKey: click.adKey,
    before: click.outcome,
    after,
  });
}

/** Dictionary keys of these clicks by minute dimension, one for each; values that were kept as texts are given one. */
export function keyColumnsOf(
  shared: SharedState,
  clicks: readonly RecordedClick[],
): Map<string, Int32Array> {
  const names = new Set(
    clicks.flatMap((click) => [
      ...Object.keys(click.dimensionKeys),
      ...Object.keys(click.dimensionTexts),
    ]),
  );
  const keyOf = (name: string, { dimensionKeys, dimensionTexts }: RecordedClick): number => {
    const text = dimensionTexts[name];
    if (text !== undefined) return shared.dictionary(name).internText(text);
    return dimensionKeys[name] ?? 0;
  };
  return new Map(
    [...names].map((name) => [name, Int32Array.from(clicks, (click) => keyOf(name, click))]),
  );
}
