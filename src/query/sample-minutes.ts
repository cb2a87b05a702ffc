import type { MinuteRange } from "../model/window.ts";

/** Seeds are whole numbers below this. */
export const seedEnd = 2 ** 32;

/** Different minutes of a range that a seed draws, ascending; all of them where there are no more than `count`. */
export function sampleMinutes(
  { fromMinute, toMinute }: MinuteRange,
  count: number,
  seed: number,
): number[] {
  const size = toMinute - fromMinute;
  const word = wordsOf(seed);
  // The first of a shuffled list (Fisher and Yates) of which only what was moved is kept.
  const moved = new Map<number, number>();
  const drawn: number[] = [];
  for (let at = 0; at < Math.min(count, size); at++) {
    const other = at + Math.floor((word() / seedEnd) * (size - at));
    drawn.push(fromMinute + (moved.get(other) ?? other));
    moved.set(other, moved.get(at) ?? at);
  }
  return drawn.toSorted((a, b) => a - b);
}

/** Ascending minutes as ranges, neighbours in one. */
export function rangesOf(minutes: readonly number[]): MinuteRange[] {
  const ranges: MinuteRange[] = [];
  for (const minute of minutes) {
    const last = ranges.at(-1);
    if (last?.toMinute === minute) ranges[ranges.length - 1] = { ...last, toMinute: minute + 1 };
    else ranges.push({ fromMinute: minute, toMinute: minute + 1 });
  }
  return ranges;
}

/** 32-bit words: a counter whose bits are scattered (the finalizer of MurmurHash3). */
function wordsOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let bits = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    return (bits ^ (bits >>> 16)) >>> 0;
  };
}
