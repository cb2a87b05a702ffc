import type { Clock } from "../clock/clock.ts";
import type { Commit } from "../model/commit.ts";
import type { Position } from "../model/log-record.ts";
import { outcomeCount } from "../model/outcome.ts";

/** Outcomes of the newest records are kept for those who wait for them, up to so many rows. */
const rowsKeptMax = 2_000_000;

/** Tells who waits when a record is committed, and what became of its rows. */
export class CommittedRecords {
  private readonly clock: Clock;
  private readonly nextOffsets = new Map<number, number>();
  private readonly outcomes = new Map<string, Uint8Array>();
  private rowsKept = 0;
  private waiters: { positions: readonly Position[]; resolve: () => void }[] = [];

  constructor(clock: Clock, progress: readonly { partition: number; nextOffset: number }[]) {
    this.clock = clock;
    for (const { partition, nextOffset } of progress) this.nextOffsets.set(partition, nextOffset);
  }

  nextOffset(partition: number): number {
    return this.nextOffsets.get(partition) ?? 0;
  }

  note(commit: Commit): void {
    this.nextOffsets.set(commit.progress.partition, commit.progress.nextOffset);
    for (const { partition, offset, outcomes } of commit.clicks) {
      this.outcomes.set(keyOf({ partition, offset }), outcomes);
      this.rowsKept += outcomes.length;
    }
    for (const [oldest, outcomes] of this.outcomes) {
      if (this.rowsKept <= rowsKeptMax) break;
      this.outcomes.delete(oldest);
      this.rowsKept -= outcomes.length;
    }
    const waiting = this.waiters;
    this.waiters = waiting.filter((waiter) => !this.areCommitted(waiter.positions));
    for (const waiter of waiting) if (this.areCommitted(waiter.positions)) waiter.resolve();
  }

  /** False where `timeoutMs` is over before all are committed. */
  async wait(positions: readonly Position[], timeoutMs: number): Promise<boolean> {
    if (this.areCommitted(positions)) return true;
    return new Promise((resolve) => {
      const waiter = {
        positions,
        resolve: () => {
          timer.cancel();
          resolve(true);
        },
      };
      const timer = this.clock.after(timeoutMs, () => {
        this.waiters = this.waiters.filter((other) => other !== waiter);
        resolve(false);
      });
      this.waiters.push(waiter);
    });
  }

  /** Rows `[fromRow, toRow)` of a record by outcome number; undefined where it is no longer (or not yet) kept. */
  outcomesOf(position: Position, fromRow: number, toRow: number): Float64Array | undefined {
    const outcomes = this.outcomes.get(keyOf(position));
    if (!outcomes) return undefined;
    const counts = new Float64Array(outcomeCount);
    for (let row = fromRow; row < toRow; row++) counts[outcomes[row]!]!++;
    return counts;
  }

  private areCommitted(positions: readonly Position[]): boolean {
    return positions.every(({ partition, offset }) => this.nextOffset(partition) > offset);
  }
}

function keyOf({ partition, offset }: Position): string {
  return `${partition}:${offset}`;
}
