/** A histogram of the metrics page: how fresh the numbers are. */

/** Upper bound, and how many were at most that; ascending, the last bound is Infinity. */
export type Histogram = readonly (readonly [bound: number, count: number])[];

/** Out of the text format of Prometheus; undefined where the process does not tell it. */
export function readHistogram(text: string, name: string): Histogram | undefined {
  const pattern = new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\d+(?:\\.\\d+)?)$`, "gm");
  const buckets = [...text.matchAll(pattern)].map(
    ([, bound, count]) => [bound === "+Inf" ? Infinity : Number(bound), Number(count)] as const,
  );
  return buckets.length > 0 ? buckets.toSorted(([a], [b]) => a - b) : undefined;
}

/** What came after `before` was read; all of it where the process was started again in between. */
export function histogramSince(now: Histogram, before: Histogram | undefined): Histogram {
  const total = (histogram: Histogram): number => histogram.at(-1)?.[1] ?? 0;
  if (!before || before.length !== now.length || total(before) > total(now)) return now;
  return now.map(([bound, count], i) => [bound, count - before[i]![1]]);
}

/** A bound that this share of all is not above; undefined where there are none. */
export function quantileBound(histogram: Histogram, share: number): number | undefined {
  const total = histogram.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  return histogram.find(([, count]) => count >= total * share)![0];
}
