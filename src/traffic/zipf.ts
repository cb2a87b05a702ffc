import type { Random } from "./random.ts";

/** Ranks `[0, count)` where rank k comes with a probability proportional to 1 / (k + 1)^exponent. */
export class Zipf {
  private readonly cumulative: Float64Array;

  constructor(count: number, exponent: number) {
    this.cumulative = new Float64Array(count);
    let sum = 0;
    for (let rank = 0; rank < count; rank++) {
      sum += (rank + 1) ** -exponent;
      this.cumulative[rank] = sum;
    }
  }

  rank(random: Random): number {
    const { cumulative } = this;
    const at = random.unit() * cumulative[cumulative.length - 1]!;
    let low = 0;
    let high = cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulative[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
