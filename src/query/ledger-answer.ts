import type { LedgerDelta } from "../model/commit.ts";
import { outcomeNames } from "../model/outcome.ts";
import type { OutcomeName } from "../model/outcome.ts";
import { formatMinute } from "../model/time.ts";
import type { LedgerRow } from "../store/click-store.ts";
import type { LedgerAnswer, LedgerNumbers } from "./query-service.ts";

/** Of a ledger row, or of what a commit adds to one. */
type LedgerAmounts = Pick<LedgerDelta, "received" | "outcomes">;

export function ledgerAnswer(rows: readonly LedgerRow[]): LedgerAnswer {
  const total = noOutcomes();
  let received = 0;
  let balanced = true;
  for (const row of rows) {
    received += row.received;
    for (const name of outcomeNames) total[name] += row.outcomes[name];
    if (imbalanceOf(row) !== 0) balanced = false;
  }
  return {
    rows: rows.map((row) => ({
      minute: formatMinute(row.receivedMinute),
      source: row.source,
      received: row.received,
      ...row.outcomes,
    })),
    total: { received, ...total },
    balanced,
  };
}

/** Clicks by which what was received is not the sum of what became of it, whichever is more. */
export function imbalanceOf({ received, outcomes }: LedgerAmounts): number {
  return Math.abs(outcomeNames.reduce((left, name) => left - (outcomes[name] ?? 0), received));
}

export function noOutcomes(): Record<OutcomeName, number> {
  return Object.fromEntries(outcomeNames.map((name) => [name, 0])) as Record<OutcomeName, number>;
}

/** The numbers with those of a ledger delta added. */
export function withDelta(
  numbers: LedgerNumbers,
  { received, outcomes }: LedgerAmounts,
): LedgerNumbers {
  const sum: Record<OutcomeName, number> = { ...numbers };
  for (const name of outcomeNames) sum[name] += outcomes[name] ?? 0;
  return { ...sum, received: numbers.received + received };
}
