/** What became of a received click: exactly one of these. The numbers are stored; never reuse one. */
export const outcomeNames = [
  "counted",
  "duplicate",
  "restated",
  "quarantined",
  "expired",
  "invalid",
  "voided",
] as const;

export type OutcomeName = (typeof outcomeNames)[number];

export const Outcome = {
  counted: 0,
  duplicate: 1,
  restated: 2,
  quarantined: 3,
  expired: 4,
  invalid: 5,
  voided: 6,
} as const satisfies Record<OutcomeName, number>;

export type Outcome = (typeof Outcome)[OutcomeName];

export const outcomeCount = outcomeNames.length;

/** True where the click is part of the counts. */
export function isCounted(outcome: number): boolean {
  return outcome === Outcome.counted || outcome === Outcome.restated;
}

/** Of clicks that later ones with the same identity are duplicates of. */
export const dedupOutcomes: readonly Outcome[] = [
  Outcome.counted,
  Outcome.restated,
  Outcome.quarantined,
  Outcome.voided,
];
