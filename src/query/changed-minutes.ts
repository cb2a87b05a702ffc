import type { Commit } from "../model/commit.ts";
import type { MinuteRange } from "../model/window.ts";

/** Commits that are remembered: some minutes of them, 24 bytes each. */
const commitsKeptMax = 20_000;

const nothing: MinuteRange = { fromMinute: 0, toMinute: 0 };

/** Which minutes the newest commits touched, so that who follows them need not look through every day that is kept. */
export class ChangedMinutes {
  private readonly commitsMax: number;
  /** All later commits are known. */
  private knownAfter: number;
  /** Of the commits that touched any, by sequence. */
  private readonly ranges: (MinuteRange & { readonly sequence: number })[] = [];

  /** `sequence`: of the last commit so far. */
  constructor(sequence: number, commitsMax = commitsKeptMax) {
    this.knownAfter = sequence;
    this.commitsMax = commitsMax;
  }

  apply({ sequence, minutes }: Pick<Commit, "sequence" | "minutes">): void {
    if (minutes.rowCount === 0) return;
    let fromMinute = Infinity;
    let toMinute = -Infinity;
    for (let row = 0; row < minutes.rowCount; row++) {
      fromMinute = Math.min(fromMinute, minutes.minutes[row]!);
      toMinute = Math.max(toMinute, minutes.minutes[row]! + 1);
    }
    this.ranges.push({ sequence, fromMinute, toMinute });
    if (this.ranges.length <= 2 * this.commitsMax) return;
    const forgotten = this.ranges.splice(0, this.commitsMax);
    this.knownAfter = forgotten.at(-1)!.sequence;
  }

  /** What commits after `sequence` touched; undefined where that is no longer known. */
  after(sequence: number): MinuteRange | undefined {
    if (sequence < this.knownAfter) return undefined;
    let found = nothing;
    for (let i = this.ranges.length - 1; i >= 0 && this.ranges[i]!.sequence > sequence; i--) {
      const { fromMinute, toMinute } = this.ranges[i]!;
      found =
        found === nothing
          ? { fromMinute, toMinute }
          : {
              fromMinute: Math.min(found.fromMinute, fromMinute),
              toMinute: Math.max(found.toMinute, toMinute),
            };
    }
    return found;
  }
}
