/** The health strip: what an operator looks at before believing a number, each with how it stands. */

import type { LedgerAnswer, StatusAnswer } from "../query/query-service.ts";
import { formatCount, formatDuration, formatShare } from "./numbers.ts";

export type Tone = "good" | "watch" | "bad" | "unknown";

export interface HealthItem {
  readonly name: string;
  readonly value: string;
  readonly tone: Tone;
  /** What it is, and what is good. */
  readonly meaning: string;
}

export interface HealthInput {
  readonly status: StatusAnswer | undefined;
  /** Of the last hour of receipt. */
  readonly ledger: LedgerAnswer["total"] | undefined;
  /** Seconds that 99 % of the clicks took at most until queries saw them; undefined where nobody tells. */
  readonly freshnessSeconds: number | undefined;
  readonly nowMs: number;
}

const unknown = "–";

export function healthItems(input: HealthInput): readonly HealthItem[] {
  return [
    freshness(input),
    lag(input),
    watermarkDelay(input),
    duplicates(input),
    late(input),
    balance(input),
    audit(input),
  ];
}

/** `watch` from the first bound on, `bad` from the second on. */
function toneOf(value: number, watchFrom: number, badFrom: number): Tone {
  if (value >= badFrom) return "bad";
  return value >= watchFrom ? "watch" : "good";
}

function freshness({ freshnessSeconds: seconds }: HealthInput): HealthItem {
  return {
    name: "Freshness",
    value: seconds === undefined ? unknown : withinText(seconds),
    tone: seconds === undefined ? "unknown" : toneOf(seconds, 5, 30),
    meaning:
      "From the receipt of a click until every query sees it: 99 % of the latest clicks took no longer. Within 2 s is good.",
  };
}

function withinText(seconds: number): string {
  return Number.isFinite(seconds) ? `≤ ${formatDuration(seconds)}` : "> 1 min";
}

function lag({ status }: HealthInput): HealthItem {
  // While the queue does not say there is no number that would not be too low.
  const clicks = status?.partitions.reduce<number | undefined>(
    (sum, { lag_clicks: own }) => (own === null || sum === undefined ? undefined : sum + own),
    0,
  );
  const seconds = Math.max(
    0,
    ...(status?.partitions.map(({ lag_seconds: own }) => own ?? 0) ?? []),
  );
  return {
    name: "Lag",
    value:
      clicks === undefined
        ? unknown
        : clicks === 0
          ? "none"
          : `${formatCount(clicks)} · ${formatDuration(seconds)}`,
    tone: clicks === undefined ? "unknown" : toneOf(seconds, 5, 30),
    meaning: "Clicks that are safely received and not counted yet, and how long the oldest waits.",
  };
}

function watermarkDelay({ status }: HealthInput): HealthItem {
  const delays = status?.partitions.flatMap(({ watermark_delay_seconds: own }) => own ?? []) ?? [];
  const seconds = delays.length > 0 ? Math.max(...delays) : undefined;
  return {
    name: "Watermark",
    value: seconds === undefined ? unknown : `${formatDuration(Math.max(0, seconds))} behind`,
    tone: seconds === undefined ? "unknown" : toneOf(seconds, 120, 600),
    meaning:
      "Up to here clicks are taken to have come. Minutes become final some time behind it: the further behind, the longer numbers stay provisional.",
  };
}

function duplicates({ ledger }: HealthInput): HealthItem {
  const share = shareOf(ledger, (total) => total.duplicate);
  return {
    name: "Duplicates",
    value: share === undefined ? unknown : formatShare(share),
    tone: share === undefined ? "unknown" : toneOf(share, 0.2, 0.5),
    meaning:
      "Of the clicks received in the last hour, those that had come before. They are counted once; a rise tells of a sender that repeats itself.",
  };
}

function late({ ledger }: HealthInput): HealthItem {
  const share = shareOf(ledger, (total) => total.restated + total.quarantined + total.expired);
  return {
    name: "Late",
    value: share === undefined ? unknown : formatShare(share),
    tone: share === undefined ? "unknown" : toneOf(share, 0.01, 0.05),
    meaning:
      "Of the clicks received in the last hour, those whose minute was final already. Each of them restates a number or waits in quarantine.",
  };
}

function balance({ status }: HealthInput): HealthItem {
  const imbalance = status?.ledger_imbalance;
  return {
    name: "Ledger",
    value:
      imbalance === undefined
        ? unknown
        : imbalance === 0
          ? "balanced"
          : `off by ${formatCount(imbalance)}`,
    tone: imbalance === undefined ? "unknown" : imbalance === 0 ? "good" : "bad",
    meaning: "Whether the clicks received are the sum of what became of them. It always has to be.",
  };
}

function audit({ status, nowMs }: HealthInput): HealthItem {
  const found = status?.audit;
  const open = found?.mismatches.length ?? 0;
  const meaning =
    "The service recounts final minutes from the raw clicks by itself, all the time, and compares.";
  if (!found || found.last_run === null)
    return { name: "Audit", value: found ? "none yet" : unknown, tone: "unknown", meaning };
  const age = formatDuration(Math.max(0, nowMs - Date.parse(found.last_run)) / 1000);
  return {
    name: "Audit",
    value: open === 0 ? `clean, ${age} ago` : `${formatCount(open)} differ`,
    tone: open === 0 ? "good" : "bad",
    meaning: `${meaning} ${formatCount(found.checked_buckets)} minutes so far.`,
  };
}

function shareOf(
  total: LedgerAnswer["total"] | undefined,
  part: (total: LedgerAnswer["total"]) => number,
): number | undefined {
  if (!total || total.received === 0) return undefined;
  return part(total) / total.received;
}
