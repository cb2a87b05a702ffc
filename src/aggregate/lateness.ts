import { Outcome } from "../model/outcome.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";
import type { RecordBuckets } from "./restate.ts";

/**
 * The outcome of a new click for a final bucket. Live, it is late. An import is never late, but may change a final
 * number only in the open: it is counted where the ad's minute had no click before this record, else restated.
 */
export function decideAccepted(
  history: boolean,
  late: SemanticConfig["late"],
  buckets: RecordBuckets,
  minute: number,
  adKey: number,
): Outcome {
  if (!history && late === "quarantine") return Outcome.quarantined;
  if (history && !buckets.hadClicks(minute, adKey)) {
    buckets.count(minute, adKey);
    return Outcome.counted;
  }
  buckets.restate(minute, adKey);
  return Outcome.restated;
}
