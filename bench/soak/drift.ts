/** Compares the first window after warm-up with the last one, figure by figure. */
import { median } from "../suite/statistics.ts";
import { p50, p99 } from "./sample.ts";
import type { Sample } from "./sample.ts";

export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** Decimal places that are worth showing. */
  readonly digits: number;
  /** Of one sample, or of all of a window together. */
  readonly of: (samples: readonly Sample[]) => number;
  /** What the last window may be, given the first; absent: shown, not judged. */
  readonly bound?: {
    readonly text: string;
    readonly holds: (first: number, last: number) => boolean;
  };
}

export interface FigureDrift {
  readonly name: string;
  readonly unit: string;
  readonly digits: number;
  readonly first: number;
  readonly last: number;
  /** Least squares over all samples after warm-up. */
  readonly slopeAnHour: number;
  readonly bound: string | null;
  readonly held: boolean;
}

/** Seconds since the start, `[from, to)`. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Of a run of 30 minutes: minutes 10 to 13 and 27 to 30. */
export function windowsOf(seconds: number): { readonly first: Window; readonly last: Window } {
  const length = seconds / 10;
  const warmUp = seconds / 3;
  return {
    first: { from: warmUp, to: warmUp + length },
    last: { from: seconds - length, to: Infinity },
  };
}

const atMost = (share: number) => ({
  text: `at most ${Math.round(share * 100)} % more`,
  holds: (first: number, last: number) => last <= first * (1 + share),
});
const one = (value: (sample: Sample) => number) => (samples: readonly Sample[]) =>
  median(samples.map(value));
const all =
  (times: (sample: Sample) => readonly number[], summary: (values: readonly number[]) => number) =>
  (samples: readonly Sample[]) =>
    summary(samples.flatMap(times));

/** Waiting that nobody notices, however much more it is. */
const negligibleMs = 5;
const atMostNoticeably = (share: number) => ({
  text: `at most ${Math.round(share * 100)} % more`,
  holds: (first: number, last: number) => last <= Math.max(first, negligibleMs) * (1 + share),
});

const figures: readonly Figure[] = [
  {
    name: "resident memory",
    unit: "MB",
    digits: 0,
    of: one((sample) => sample.residentBytes / 1e6),
    bound: atMost(0.05),
  },
  {
    name: "of it anonymous",
    unit: "MB",
    digits: 0,
    of: one((sample) => sample.anonymousBytes / 1e6),
  },
  { name: "ids of dedup", unit: "M", digits: 2, of: one((sample) => sample.dedupIds / 1e6) },
  { name: "memory of dedup", unit: "MB", digits: 0, of: one((sample) => sample.dedupBytes / 1e6) },
  {
    name: "open handles",
    unit: "",
    digits: 0,
    of: one((sample) => sample.handles),
    bound: {
      text: "equal, give or take 5",
      holds: (first, last) => Math.abs(last - first) <= 5,
    },
  },
  {
    name: "disk a click, raw + minutes",
    unit: "bytes",
    digits: 1,
    of: one((sample) => sample.storeBytes / sample.clicks),
    bound: atMost(0.1),
  },
  {
    name: "file of the queue",
    unit: "MB",
    digits: 0,
    of: one((sample) => sample.queueBytes / 1e6),
  },
  { name: "freshness p50", unit: "ms", digits: 0, of: all((sample) => sample.freshnessMs, p50) },
  {
    name: "freshness p99",
    unit: "ms",
    digits: 0,
    of: all((sample) => sample.freshnessMs, p99),
    bound: atMostNoticeably(0.25),
  },
  { name: "ack p50", unit: "ms", digits: 1, of: all((sample) => sample.ackMs, p50) },
  {
    name: "ack p99",
    unit: "ms",
    digits: 1,
    of: all((sample) => sample.ackMs, p99),
    bound: atMostNoticeably(0.25),
  },
  { name: "dashboard p50", unit: "ms", digits: 1, of: all((sample) => sample.queryMs, p50) },
  { name: "dashboard p99", unit: "ms", digits: 1, of: all((sample) => sample.queryMs, p99) },
  { name: "lag", unit: "s", digits: 2, of: one((sample) => sample.lagSeconds) },
  { name: "clicks a second", unit: "", digits: 0, of: one((sample) => sample.clicksASecond) },
  { name: "CPU of the service", unit: "cores", digits: 2, of: one((sample) => sample.serviceCpu) },
  {
    name: "CPU of the generator",
    unit: "cores",
    digits: 2,
    of: one((sample) => sample.generatorCpu),
  },
];

export function driftOf(samples: readonly Sample[], seconds: number): FigureDrift[] {
  const { first, last } = windowsOf(seconds);
  const steady = within(samples, { from: first.from, to: Infinity });
  return figures.map(({ name, unit, digits, of, bound }) => {
    const [before, after] = [of(within(samples, first)), of(within(samples, last))];
    return {
      name,
      unit,
      digits,
      first: before,
      last: after,
      slopeAnHour: slope(steady.map((sample) => [sample.seconds / 3600, of([sample])])),
      bound: bound?.text ?? null,
      // A window without a number (NaN) does not show that the bound holds.
      held: bound === undefined || bound.holds(before, after),
    };
  });
}

function within(samples: readonly Sample[], { from, to }: Window): Sample[] {
  return samples.filter(({ seconds }) => seconds >= from && seconds < to);
}

/** Of the line through the points with the least squares. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const usable = points.filter(([, y]) => Number.isFinite(y));
  const mean = (at: 0 | 1) => usable.reduce((total, point) => total + point[at], 0) / usable.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  let xy = 0;
  let xx = 0;
  for (const [x, y] of usable) {
    xy += (x - meanX) * (y - meanY);
    xx += (x - meanX) ** 2;
  }
  return xy / xx;
}
