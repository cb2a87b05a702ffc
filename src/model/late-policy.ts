import type { OutcomeName } from "./outcome.ts";
import type { RecordedClick } from "./recorded-click.ts";
import type { LatePolicy } from "./semantic-config.ts";
import { isImport } from "./source.ts";

/** The outcome that a click which this policy changes has had: what has to be looked at. */
export function outcomeAgainst(policy: LatePolicy): OutcomeName {
  return policy === "restate" ? "quarantined" : "restated";
}

/** The outcome that this policy gives to a click that came late. */
function outcomeUnder(policy: LatePolicy): OutcomeName {
  return policy === "restate" ? "restated" : "quarantined";
}

/**
 * What becomes of a click of a final bucket where this policy is to hold for it after all. That somebody has decided about
 * it stands: a click that was let in by a release, is voided, had expired or was imported stays what it is.
 */
export function outcomeByPolicy(
  click: Pick<RecordedClick, "source" | "outcome" | "outcomeDecided" | "isReleased">,
  policy: LatePolicy,
): OutcomeName {
  const { source, outcome, outcomeDecided, isReleased } = click;
  const cameLate = outcomeDecided === "restated" || outcomeDecided === "quarantined";
  if (!cameLate || isReleased || isImport(source)) return outcome;
  return outcome === outcomeAgainst(policy) ? outcomeUnder(policy) : outcome;
}
