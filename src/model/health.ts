/** What is wrong with the numbers themselves, which no restart mends. */
export interface Health {
  /** Clicks by which the ledger does not balance. */
  readonly ledgerImbalance: number;
  /** Epoch minutes, ascending, whose counts are not what their raw clicks come to. */
  readonly mismatchedMinutes: readonly number[];
}

export const soundHealth: Health = { ledgerImbalance: 0, mismatchedMinutes: [] };
