/**
 * Has something become slower? Machines differ, and one machine differs from itself an hour later, so that times are compared
 * as ratios only: of clicktally to a peer that did the same in the same run, round by round; of a start to the machine's own
 * speed; of bytes, which no machine's speed changes, to themselves.
 *
 * A ratio has *fallen* where its median is more than 15 % below the baseline's and the spreads of the rounds do not
 * overlap: the best round of now is below the worst one of then. Where the median is that far below but the spreads overlap,
 * the verdict is *unclear*: chance would do, and more rounds tell. So it is where there were fewer than three rounds, which say
 * nothing of how far rounds lie apart, unless it is of bytes. What could not have been seen is said too: the smallest fall
 * that would have been flagged, which is 15 % only where rounds lie close together.
 */
import { clicktally } from "./figures.ts";
import type { FigureId } from "./figures.ts";
import type { Samples } from "./samples.ts";
import { median, spreadOf } from "./statistics.ts";
import type { Spread } from "./statistics.ts";
import { numberText } from "./text.ts";

const fallMax = 0.15;
/** Fewer say nothing of how far they lie apart. */
const roundsMin = 3;

interface Comparison {
  readonly figure: FigureId;
  readonly better: "more" | "less";
  /** `machine`: how many lines it parses a second. `itself`: no speed is in it. */
  readonly against: "ClickHouse" | "ClickHouse, async inserts" | "DuckDB" | "machine" | "itself";
}

/** A name says what is compared, so that a baseline of another comparison does not go for it. */
const comparisons: readonly Comparison[] = [
  { figure: "ingest.ack", better: "more", against: "ClickHouse" },
  { figure: "ingest.queryable", better: "more", against: "ClickHouse" },
  { figure: "ingest.server_cpu", better: "less", against: "ClickHouse" },
  { figure: "steady.ack_p50", better: "less", against: "ClickHouse, async inserts" },
  { figure: "steady.ack_p99", better: "less", against: "ClickHouse, async inserts" },
  { figure: "steady.fresh_p99", better: "less", against: "ClickHouse, async inserts" },
  { figure: "query.top_p50", better: "less", against: "ClickHouse" },
  { figure: "query.count_p50", better: "less", against: "ClickHouse" },
  { figure: "import.ndjson", better: "more", against: "DuckDB" },
  { figure: "import.csv", better: "more", against: "DuckDB" },
  { figure: "import.parquet", better: "more", against: "DuckDB" },
  { figure: "cost.start", better: "less", against: "machine" },
  { figure: "cost.counts", better: "less", against: "machine" },
  { figure: "cost.resident", better: "less", against: "itself" },
  { figure: "cost.id_bytes", better: "less", against: "itself" },
  { figure: "cost.cell_bytes", better: "less", against: "itself" },
  { figure: "cost.store_bytes", better: "less", against: "itself" },
  { figure: "cost.queue_bytes", better: "less", against: "itself" },
];

export interface Ratio extends Spread {
  /** Of times, which differ from round to round, unlike bytes. */
  readonly isTimed: boolean;
}

/** By name of the comparison; more is better. */
export type Ratios = Readonly<Record<string, Ratio>>;

export interface Verdict {
  readonly name: string;
  readonly baseline: Ratio;
  /** Absent where it was not measured this time. */
  readonly now?: Ratio;
  readonly verdict: "held" | "fallen" | "unclear" | "not measured";
  /** Share by which the median is below the baseline's; negative where it rose. */
  readonly fall: number;
  /** Share of a fall from which on it would have been flagged; NaN where none would. */
  readonly seenFrom: number;
}

export function ratiosOf(samples: Samples): Ratios {
  const ratios: Record<string, Ratio> = {};
  for (const comparison of comparisons) {
    const spread = spreadOf(ratiosByRound(samples, comparison));
    const isTimed = comparison.against !== "itself";
    if (spread) ratios[nameOf(samples, comparison)] = { ...spread, isTimed };
  }
  return ratios;
}

export function compare(baseline: Ratios, now: Ratios): Verdict[] {
  return Object.entries(baseline).map(([name, before]) => verdictOf(name, before, now[name]));
}

/** Says with how many clicks, so that histories of other lengths are not compared. */
function nameOf(samples: Samples, { figure, against }: Comparison): string {
  const clicks = samples.clicksOf(figure, clicktally);
  const what = clicks === undefined ? figure : `${figure} of ${numberText(clicks, 0)} clicks`;
  return against === "itself" ? what : `${what} : ${against}`;
}

/** Round by round, since what slows the machine for a while slows both. */
function ratiosByRound(samples: Samples, { figure, better, against }: Comparison): number[] {
  const own = samples.values(figure, clicktally);
  const references = referencesOf(samples, figure, against, own.length);
  return own
    .map((value, round) => {
      const reference = references[round] ?? Number.NaN;
      return better === "more" ? value / reference : reference / value;
    })
    .filter((ratio) => Number.isFinite(ratio) && ratio > 0);
}

function referencesOf(
  samples: Samples,
  figure: FigureId,
  against: Comparison["against"],
  rounds: number,
): readonly number[] {
  if (against === "itself") return Array.from({ length: rounds }, () => 1);
  if (against !== "machine") return samples.values(figure, against);
  // Seconds that a million lines take.
  const secondsOfMillion = 1e6 / median(samples.values("machine.parse", "machine"));
  return Array.from({ length: rounds }, () => secondsOfMillion);
}

function verdictOf(name: string, baseline: Ratio, now: Ratio | undefined): Verdict {
  if (!now) return { name, baseline, verdict: "not measured", fall: 0, seenFrom: Number.NaN };
  const fall = 1 - now.median / baseline.median;
  const isKnown = !now.isTimed || Math.min(now.rounds, baseline.rounds) >= roundsMin;
  const apart = isKnown && now.max < baseline.min;
  // With rounds that lie as far apart as now's, the median at which the best one is just below the worst one of then.
  const medianApart = baseline.min * (now.median / now.max);
  return {
    name,
    baseline,
    now,
    verdict: fall <= fallMax ? "held" : apart ? "fallen" : "unclear",
    fall,
    seenFrom: isKnown ? Math.max(fallMax, 1 - medianApart / baseline.median) : Number.NaN,
  };
}
