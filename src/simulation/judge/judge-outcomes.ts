import type { OracleClick } from "../oracle/oracle-fold.ts";
import { isCounted } from "../oracle/oracle-fold.ts";

/**
 * What has to hold of outcomes whatever the rules say in detail, so that the oracle is not the only judge: a click is
 * counted at most once for each event minute that it was sent with, and one that was received is counted, quarantined
 * or expired at least once.
 */
export function judgeOutcomes(clicks: readonly OracleClick[]): string | undefined {
  const byIdentity = Map.groupBy(clicks, ({ identity }) => identity);
  for (const [identity, all] of byIdentity) {
    const counted = all.filter(({ outcome }) => isCounted(outcome));
    const minutes = new Set(counted.map(({ minute }) => minute));
    if (counted.length > minutes.size) return `${identity} was counted twice`;
    if (all.every(({ outcome }) => outcome === "duplicate")) return `${identity} was never counted`;
  }
  return undefined;
}
