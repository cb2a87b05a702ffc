/** What the service is to reach, and whether it did. */
import { clicktally } from "./figures.ts";
import type { FigureId } from "./figures.ts";
import type { Samples } from "./samples.ts";
import { median } from "./statistics.ts";

/** Who is measured against. */
const peer = "ClickHouse";

interface Aim {
  readonly what: string;
  /** `times`: of the peer in the same run. */
  readonly unit: string;
  readonly better: "more" | "less";
  /** To be reached now, and then. */
  readonly reach: number;
  readonly next: number;
  readonly digits: number;
  /** NaN where it was not measured. */
  readonly value: (samples: Samples) => number;
}

export interface AimResult {
  readonly what: string;
  readonly aim: string;
  readonly next: string;
  readonly measured: string;
  readonly verdict: string;
}

const own =
  (figure: FigureId, scale = 1) =>
  (samples: Samples) =>
    median(samples.values(figure, clicktally)) * scale;
/** With a history of ten million clicks, no less and no more. */
const withHistory = (figure: FigureId) => (samples: Samples) =>
  samples.along("clicks", figure, clicktally).find(({ at }) => at === 10_000_000)?.spread.median ??
  Number.NaN;
/** How many times as much as the peer, or as fast. */
const timesMore = (figure: FigureId) => (samples: Samples) =>
  median(samples.values(figure, clicktally)) / median(samples.values(figure, peer));
const timesLess = (figure: FigureId) => (samples: Samples) =>
  median(samples.values(figure, peer)) / median(samples.values(figure, clicktally));

function aim(
  what: string,
  unit: string,
  better: "more" | "less",
  [reach, next]: readonly [number, number],
  digits: number,
  value: Aim["value"],
): Aim {
  return { what, unit, better, reach, next, digits, value };
}

const aims: readonly Aim[] = [
  aim(
    "ingest over HTTP: synced, deduplicated, until queryable",
    `x ${peer}`,
    "more",
    [1, 1.5],
    2,
    timesMore("ingest.queryable"),
  ),
  aim(
    "Top-100 over 60 min",
    `x as fast as ${peer}`,
    "more",
    [5, 20],
    1,
    timesLess("query.top_p50"),
  ),
  aim(
    "count of one ad over 60 min",
    `x as fast as ${peer}`,
    "more",
    [5, 20],
    1,
    timesLess("query.count_p50"),
  ),
  aim("ack p99 at 50,000 clicks/s", "ms", "less", [25, 10], 1, own("steady.ack_p99")),
  aim("freshness p99 at 50,000 clicks/s", "ms", "less", [1000, 250], 0, own("steady.fresh_p99")),
  aim(
    "answers again after kill -9, 10 million clicks",
    "s",
    "less",
    [5, 2],
    1,
    withHistory("cost.start"),
  ),
  aim(
    "counts again after kill -9, 10 million clicks",
    "s",
    "less",
    [5, 2],
    1,
    withHistory("cost.counts"),
  ),
  aim("resident memory, 10 million ids", "MB", "less", [640, 400], 0, withHistory("cost.resident")),
  aim("disk a click, raw + minutes", "bytes", "less", [40, 30], 1, withHistory("cost.store_bytes")),
  aim("import of NDJSON", "k clicks/s", "more", [200, 300], 0, own("import.ndjson", 1e-3)),
  aim("import of Parquet", "k clicks/s", "more", [400, 600], 0, own("import.parquet", 1e-3)),
];

/** What is counted by tests, not timed here: nothing lost, nothing counted twice, no difference. */
const proven: readonly AimResult[] = [
  proof("kill -9 cycles, 0 lost, 0 double", "200 in CI", "10,000 a release"),
  proof("simulated histories, 0 differences", "10,000 in CI", "300,000 a night"),
];

function proof(what: string, reach: string, next: string): AimResult {
  return { what, aim: reach, next, measured: "by tests", verdict: "see docs/proof.md" };
}

export function aimResults(samples: Samples): AimResult[] {
  return [...aims.map((one) => resultOf(one, one.value(samples))), ...proven];
}

function resultOf({ what, unit, better, reach, next, digits }: Aim, value: number): AimResult {
  const sign = better === "more" ? "≥" : "≤";
  const text = (number: number): string => `${number.toFixed(digits)} ${unit}`;
  return {
    what,
    aim: `${sign} ${reach} ${unit}`,
    next: `${sign} ${next} ${unit}`,
    measured: Number.isFinite(value) ? text(value) : "not measured",
    verdict: verdictOf(value, better, reach, next),
  };
}

/** By how much an aim is missed is told as a share of it. */
function verdictOf(value: number, better: "more" | "less", reach: number, next: number): string {
  if (!Number.isFinite(value)) return "";
  const reaches = (bound: number): boolean => (better === "more" ? value >= bound : value <= bound);
  if (reaches(next)) return "reached, the next one too";
  if (reaches(reach)) return "reached";
  return `missed by ${Math.ceil((Math.abs(value - reach) / reach) * 100)} %`;
}
