import { Outcome } from "../model/outcome.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";
import type { RecordBuckets } from "./restate.ts";

/**
 * The outcome of a new click for a final bucket. Live, it is late. An import is never late, but may change a final
 * number only in the open: it is counted where the ad's minute had no click before this record, else restated. In a closed
 * period every number has been told, also that of an ad without clicks.
 */
export function decideAccepted(
  history: boolean,
  isClosed: boolean,
  late: SemanticConfig["late"],
  buckets: RecordBuckets,
  minute: number,
  adKey: number,
): Outcome {
  if (!history && late === "quarantine") return Outcome.quarantined;
  if (history && !isClosed && !buckets.hadClicks(minute, adKey)) {
    buckets.count(minute, adKey);
    return Outcome.counted;
  }
  buckets.restate(minute, adKey);
  return Outcome.restated;
}
