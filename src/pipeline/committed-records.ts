import type { Clock } from "../clock/clock.ts";
import type { Commit } from "../model/commit.ts";
import type { Position } from "../model/log-record.ts";
import { outcomeCount } from "../model/outcome.ts";
import { ReachedOffsets } from "./reached-offsets.ts";

/** Outcomes of the newest records are kept for those who wait for them, up to so many rows. */
const rowsKeptMax = 2_000_000;

/** Tells who waits when a record is committed, and what became of its rows. */
export class CommittedRecords {
  private readonly reached: ReachedOffsets;
  private readonly outcomes = new Map<string, Uint8Array>();
  private rowsKept = 0;

  constructor(clock: Clock, progress: readonly { partition: number; nextOffset: number }[]) {
    this.reached = new ReachedOffsets(clock);
    for (const known of progress) this.reached.note(known);
  }

  nextOffset(partition: number): number {
    return this.reached.nextOffset(partition);
  }

  note(commit: Commit): void {
    for (const { partition, offset, outcomes } of commit.clicks) {
      this.outcomes.set(keyOf({ partition, offset }), outcomes);
      this.rowsKept += outcomes.length;
    }
    for (const [oldest, outcomes] of this.outcomes) {
      if (this.rowsKept <= rowsKeptMax) break;
      this.outcomes.delete(oldest);
      this.rowsKept -= outcomes.length;
    }
    // Last: who waits asks for the outcomes at once.
    this.reached.note(commit.progress);
  }

  /** False where `timeoutMs` is over before all are committed. */
  wait(positions: readonly Position[], timeoutMs: number): Promise<boolean> {
    return this.reached.wait(positions, timeoutMs);
  }

  /** Rows `[fromRow, toRow)` of a record by outcome number; undefined where it is no longer (or not yet) kept. */
  outcomesOf(position: Position, fromRow: number, toRow: number): Float64Array | undefined {
    const outcomes = this.outcomes.get(keyOf(position));
    if (!outcomes) return undefined;
    const counts = new Float64Array(outcomeCount);
    for (let row = fromRow; row < toRow; row++) counts[outcomes[row]!]!++;
    return counts;
  }
}

function keyOf({ partition, offset }: Position): string {
  return `${partition}:${offset}`;
}
