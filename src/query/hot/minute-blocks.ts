/**
 * Sums of whole stretches of settled minutes, by ad: an hour is some ten of them instead of sixty minutes, a day some forty.
 * Made when they are first asked for, of the ones a level below, and forgotten as soon as any of their minutes changes.
 */

import type { MinuteRange } from "../../model/window.ts";
import { addRun } from "./add-run.ts";
import type { HotMinute } from "./hot-minute.ts";
import type { MinuteRun, UnsortedRows } from "./minute-run.ts";
import { runBytes } from "./minute-run.ts";
import { RunWriter } from "./run-writer.ts";

/** What counts by ad are summed up from: a minute, or a block of them. */
export interface CountedPart {
  readonly runs: readonly MinuteRun[];
  readonly tail: UnsortedRows;
}

interface Block extends CountedPart {
  readonly bytes: number;
}

/** Minutes of a block by level; each begins at a multiple of its length. */
const lengths = [4, 16, 64] as const;

const noRows: UnsortedRows = {
  rowCount: 0,
  adKeys: new Int32Array(0),
  combinations: new Int32Array(0),
  counts: new Float64Array(0),
};

export class MinuteBlocks {
  private readonly minutes: ReadonlyMap<number, HotMinute>;
  /** Ads that may occur: those with the keys 1 up to this. */
  private readonly adCount: () => number;
  /** By level and first minute. */
  private readonly levels: readonly Map<number, Block>[] = lengths.map(() => new Map());
  private bytesHeld = 0;

  constructor(minutes: ReadonlyMap<number, HotMinute>, adCount: () => number) {
    this.minutes = minutes;
    this.adCount = adCount;
  }

  get bytes(): number {
    return this.bytesHeld;
  }

  /** What the range is made of, each minute once. `make`: blocks that are not there yet are made. */
  partsOf({ fromMinute, toMinute }: MinuteRange, make: boolean): CountedPart[] {
    const parts: CountedPart[] = [];
    for (let minute = fromMinute; minute < toMinute;) {
      const { part, length } = this.longestFrom(minute, toMinute, make);
      if (part) parts.push(part);
      minute += length;
    }
    return parts;
  }

  /** Forgets the blocks that this minute is in. */
  drop(minute: number): void {
    for (const [level, length] of lengths.entries()) {
      const blocks = this.levels[level]!;
      const first = Math.floor(minute / length) * length;
      this.bytesHeld -= blocks.get(first)?.bytes ?? 0;
      blocks.delete(first);
    }
  }

  private longestFrom(
    minute: number,
    toMinute: number,
    make: boolean,
  ): { readonly part: CountedPart | undefined; readonly length: number } {
    for (let level = lengths.length - 1; level >= 0; level--) {
      const length = lengths[level]!;
      if (minute % length !== 0 || minute + length > toMinute) continue;
      const part = this.levels[level]!.get(minute) ?? (make ? this.make(level, minute) : undefined);
      if (part) return { part, length };
    }
    return { part: this.minutes.get(minute), length: 1 };
  }

  /** Undefined where a minute of it is still in the making. */
  private make(level: number, first: number): Block | undefined {
    const length = lengths[level]!;
    const step = lengths[level - 1] ?? 1;
    const runs: MinuteRun[] = [];
    for (let minute = first; minute < first + length; minute += step) {
      const part =
        level === 0
          ? this.minutes.get(minute)
          : (this.levels[level - 1]!.get(minute) ?? this.make(level - 1, minute));
      // A minute without clicks has nothing to wait for.
      if (!part && level === 0) continue;
      if (!part || part.tail.rowCount > 0 || part.runs.length > 1) return undefined;
      runs.push(...part.runs);
    }
    const run = sumOf(runs, this.adCount());
    const block = { runs: [run], tail: noRows, bytes: runBytes(run) };
    this.levels[level]!.set(first, block);
    this.bytesHeld += block.bytes;
    return block;
  }
}

/** Sums by ad, all 0 between uses. */
let sums = new Float64Array(1024);

function sumOf(runs: readonly MinuteRun[], adCount: number): MinuteRun {
  if (sums.length < adCount) sums = new Float64Array(2 ** Math.ceil(Math.log2(adCount)));
  for (const run of runs) if (run.adKeys.length > 0) addRun(sums, adCount, 1, run, undefined);
  const most = runs.reduce((count, { adKeys }) => count + adKeys.length, 0);
  const writer = new RunWriter(Math.min(most, adCount));
  for (let i = 0; i < adCount; i++) {
    const count = sums[i]!;
    if (count !== 0) writer.add(i + 1, 0, count);
  }
  sums.fill(0, 0, adCount);
  return writer.finish(false);
}
