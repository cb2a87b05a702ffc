/** The rows of the benchmarks, in the order in which they run. */

export interface RowPlan {
  readonly about: string;
  /** What it takes on two cores, and with `--quick`. */
  readonly seconds: number;
  readonly quickSeconds: number;
}

export const rowPlans = {
  machine: { about: "limits of the machine", seconds: 20, quickSeconds: 3 },
  ingest: { about: "clicks as fast as they go", seconds: 400, quickSeconds: 30 },
  steady: { about: "50,000 clicks/s on schedule", seconds: 270, quickSeconds: 45 },
  query: { about: "Top-100 and counts over 60 minutes", seconds: 170, quickSeconds: 12 },
  import: { about: "files", seconds: 70, quickSeconds: 12 },
  cost: { about: "memory, disk, start, and how they grow", seconds: 230, quickSeconds: 40 },
  load: { about: "rising rates, queries beside, overload", seconds: 200, quickSeconds: 35 },
} as const satisfies Record<string, RowPlan>;

export type RowName = keyof typeof rowPlans;
export const rowNames = Object.keys(rowPlans) as RowName[];

/** A machine may be slower than planned by so much; what takes longer hangs. */
const patience = 6;
/** Cores are shared at times. */
const secondsMin = 600;
/** Of a history of a million clicks beyond the usual one: sending it, and starting with it. */
const secondsOfMillion = 40;

export function deadlineSecondsOf(
  name: RowName,
  { quick, history }: { readonly quick: boolean; readonly history: number },
): number {
  const plan = rowPlans[name];
  const planned = quick ? plan.quickSeconds : plan.seconds;
  const more = name === "cost" && !quick ? (history / 1e6) * secondsOfMillion : 0;
  return Math.max(secondsMin, planned * patience) + more;
}
