import { outcomeNames } from "../model/outcome.ts";
import type { OutcomeName } from "../model/outcome.ts";
import { formatMinute } from "../model/time.ts";
import type { LedgerRow } from "../store/click-store.ts";
import type { LedgerAnswer, LedgerNumbers } from "./query-service.ts";

/** Every row balances: what was received is the sum of what became of it. */
export function ledgerAnswer(rows: readonly LedgerRow[]): LedgerAnswer {
  const total = noOutcomes();
  let received = 0;
  let balanced = true;
  for (const row of rows) {
    received += row.received;
    let sum = 0;
    for (const name of outcomeNames) {
      total[name] += row.outcomes[name];
      sum += row.outcomes[name];
    }
    if (sum !== row.received) balanced = false;
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

export function noOutcomes(): Record<OutcomeName, number> {
  return Object.fromEntries(outcomeNames.map((name) => [name, 0])) as Record<OutcomeName, number>;
}

/** The numbers with those of a ledger delta added. */
export function withOutcomes(
  numbers: LedgerNumbers,
  outcomes: Readonly<Partial<Record<OutcomeName, number>>>,
): LedgerNumbers {
  const sum: Record<OutcomeName, number> = { ...numbers };
  let received = numbers.received;
  for (const name of outcomeNames) {
    const count = outcomes[name] ?? 0;
    sum[name] += count;
    received += count;
  }
  return { ...sum, received };
}
