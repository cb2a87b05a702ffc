import { compareUtf8 } from "../../model/utf8-order.ts";

export interface RankedAd {
  readonly adKey: number;
  readonly adId: string;
  readonly count: number;
}

/** Candidates held before they are cut down to the best `most`. */
const candidatesMax = 262_144;

/**
 * The `most` ads with the highest counts above 0, ties by ad_id. A heap of the highest counts gives the threshold
 * that most ads fail; texts are looked up for the winners and for ties at the threshold alone.
 */
export class TopSelection {
  private readonly most: number;
  private readonly textOf: (adKey: number) => string;
  /** The highest counts, lowest first: a binary heap of at most `most`. */
  private readonly heap: Float64Array;
  private heapSize = 0;
  /** What a count must reach to be among the first `most`. */
  private threshold = Number.MIN_VALUE;
  private keys: number[] = [];
  private counts: number[] = [];

  constructor(most: number, textOf: (adKey: number) => string) {
    this.most = most;
    this.textOf = textOf;
    this.heap = new Float64Array(most);
  }

  /** Offers `sums[i]` of the ads `firstKey + i`, and sets it back to 0. */
  offerAll(
    sums: Float64Array,
    length: number,
    firstKey: number,
    accepts: ((adKey: number) => boolean) | undefined,
  ): void {
    for (let i = 0; i < length; i++) {
      const count = sums[i]!;
      if (count >= this.threshold && (!accepts || accepts(firstKey + i)))
        this.offer(firstKey + i, count);
    }
    sums.fill(0, 0, length);
  }

  /** Best first. */
  finish(): RankedAd[] {
    this.reduce();
    return this.keys
      .map((adKey, i) => ({ adKey, adId: this.textOf(adKey), count: this.counts[i]! }))
      .sort((a, b) => b.count - a.count || compareUtf8(a.adId, b.adId));
  }

  private offer(adKey: number, count: number): void {
    this.keys.push(adKey);
    this.counts.push(count);
    if (this.heapSize < this.most) this.pushHeap(count);
    else if (count > this.heap[0]!) this.replaceRoot(count);
    if (this.heapSize === this.most) this.threshold = this.heap[0]!;
    if (this.keys.length >= candidatesMax) this.reduce();
  }

  /** Keeps the best `most` of the candidates. */
  private reduce(): void {
    const keys: number[] = [];
    const counts: number[] = [];
    const ties: number[] = [];
    for (const [i, count] of this.counts.entries()) {
      if (count > this.threshold || this.heapSize < this.most) {
        keys.push(this.keys[i]!);
        counts.push(count);
      } else if (count === this.threshold) {
        ties.push(this.keys[i]!);
      }
    }
    for (const adKey of this.firstByText(ties, this.most - keys.length)) {
      keys.push(adKey);
      counts.push(this.threshold);
    }
    this.keys = keys;
    this.counts = counts;
  }

  /** The `wanted` ads whose ids come first: an insertion into a short sorted list, which most are too late for. */
  private firstByText(adKeys: readonly number[], wanted: number): number[] {
    if (adKeys.length <= wanted) return [...adKeys];
    const first: { adKey: number; adId: string }[] = [];
    for (const adKey of adKeys) {
      const adId = this.textOf(adKey);
      if (first.length === wanted && compareUtf8(adId, first[wanted - 1]!.adId) >= 0) continue;
      let low = 0;
      let high = first.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (compareUtf8(first[middle]!.adId, adId) < 0) low = middle + 1;
        else high = middle;
      }
      first.splice(low, 0, { adKey, adId });
      if (first.length > wanted) first.pop();
    }
    return first.map(({ adKey }) => adKey);
  }

  private pushHeap(count: number): void {
    let at = this.heapSize++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.heap[parent]! <= count) break;
      this.heap[at] = this.heap[parent]!;
      at = parent;
    }
    this.heap[at] = count;
  }

  private replaceRoot(count: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.heapSize) break;
      if (child + 1 < this.heapSize && this.heap[child + 1]! < this.heap[child]!) child++;
      if (this.heap[child]! >= count) break;
      this.heap[at] = this.heap[child]!;
      at = child;
    }
    this.heap[at] = count;
  }
}
