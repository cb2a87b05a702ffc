/**
 * Sums of whole stretches of settled minutes, by ad: an hour is some ten of them instead of sixty minutes, a day some forty.
 * Made when they are first asked for, of the ones a level below, and forgotten as soon as any of their minutes changes, or
 * for newer ones where they would take more memory than they may.
 */

import type { MinuteRange } from "../../model/window.ts";
import type { HotMinute } from "./hot-minute.ts";
import type { MinuteRun, UnsortedRows } from "./minute-run.ts";
import { mergeTotals, runBytes, totalsOf } from "./minute-run.ts";

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
const overheadBytes = 256;

const noRows: UnsortedRows = {
  rowCount: 0,
  adKeys: new Int32Array(0),
  combinations: new Int32Array(0),
  counts: new Float64Array(0),
};
/** Of minutes without clicks; not kept, for nobody would tell when it is to go. */
const emptyBlock: Block = { runs: [], tail: noRows, bytes: 0 };

export class MinuteBlocks {
  private readonly minutes: ReadonlyMap<number, HotMinute>;
  private readonly bytesMax: number;
  /** By level and first minute. */
  private readonly levels: readonly Map<number, Block>[] = lengths.map(() => new Map());
  private bytesHeld = 0;

  constructor(minutes: ReadonlyMap<number, HotMinute>, bytesMax: number) {
    this.minutes = minutes;
    this.bytesMax = bytesMax;
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
    for (const [level, length] of lengths.entries())
      this.dropBlock(level, Math.floor(minute / length) * length);
  }

  private dropBlock(level: number, first: number): void {
    const blocks = this.levels[level]!;
    this.bytesHeld -= blocks.get(first)?.bytes ?? 0;
    blocks.delete(first);
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
    if (runs.length === 0) return emptyBlock;
    const run = sumOf(runs);
    const block = { runs: [run], tail: noRows, bytes: overheadBytes + runBytes(run) };
    this.levels[level]!.set(first, block);
    this.bytesHeld += block.bytes;
    while (this.bytesHeld > this.bytesMax) this.dropOldest();
    return block;
  }

  private dropOldest(): void {
    let oldest = { level: 0, first: Infinity };
    for (const [level, blocks] of this.levels.entries())
      for (const first of blocks.keys()) if (first < oldest.first) oldest = { level, first };
    this.dropBlock(oldest.level, oldest.first);
  }
}

function sumOf(runs: readonly MinuteRun[]): MinuteRun {
  let sums = runs;
  while (sums.length > 1) {
    const pairs: MinuteRun[] = [];
    for (let i = 0; i < sums.length; i += 2)
      pairs.push(i + 1 < sums.length ? mergeTotals(sums[i]!, sums[i + 1]!) : sums[i]!);
    sums = pairs;
  }
  return totalsOf(sums[0]!);
}
