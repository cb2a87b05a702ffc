/** What the fold of a micro-batch's records has brought about so far; becomes one Commit. */

import type {
  Close,
  Commit,
  DecidedClicks,
  DictionaryGrowth,
  DroppedDay,
  Erasure,
  LedgerDelta,
  Operation,
  OutcomeChange,
  PartitionProgress,
  Restatement,
} from "../model/commit.ts";
import type { AdAttributesChange } from "../model/log-record.ts";
import type { LayoutChange } from "../model/minute-layout.ts";
import { outcomeCount, outcomeNames } from "../model/outcome.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";
import { MinuteCounts } from "./count.ts";

export class Effects {
  readonly minutes: MinuteCounts;
  readonly clicks: DecidedClicks[] = [];
  readonly restatements: Restatement[] = [];
  readonly adAttributes: AdAttributesChange[] = [];
  readonly outcomeChanges: OutcomeChange[] = [];
  readonly closes: Close[] = [];
  readonly layoutChanges: LayoutChange[] = [];
  readonly operations: Operation[] = [];
  readonly droppedDays: DroppedDay[] = [];
  readonly erasures: Erasure[] = [];
  private readonly ledger = new Map<
    string,
    { source: string; receivedMinute: number; received: number; counts: Float64Array }
  >();
  clickCount = 0;
  /** Duplicates whose minute is not their original's. */
  duplicateConflicts = 0;

  constructor(dimensionNames: readonly string[]) {
    this.minutes = new MinuteCounts(dimensionNames);
  }

  restate(restatements: readonly Restatement[]): void {
    // One by one: a call takes some 120,000 arguments at most.
    for (const restatement of restatements) this.restatements.push(restatement);
  }

  /** `received`: the items of a record. `counts`: what became of them, by outcome number. */
  addToLedger(
    source: string,
    receivedMinute: number,
    received: number,
    counts: ArrayLike<number>,
  ): void {
    const key = `${receivedMinute} ${source}`;
    let entry = this.ledger.get(key);
    if (!entry) {
      entry = { source, receivedMinute, received: 0, counts: new Float64Array(outcomeCount) };
      this.ledger.set(key, entry);
    }
    entry.received += received;
    for (let outcome = 0; outcome < outcomeCount; outcome++)
      entry.counts[outcome]! += counts[outcome]!;
  }

  toCommit(
    sequence: number,
    committedAtMs: number,
    dictionaries: readonly DictionaryGrowth[],
    configs: readonly SemanticConfig[],
    progress: PartitionProgress,
  ): Commit {
    return {
      sequence,
      committedAtMs,
      dictionaries,
      clicks: this.clicks,
      minutes: this.minutes.build(),
      duplicateConflicts: this.duplicateConflicts,
      ledger: [...this.ledger.values()].map((entry): LedgerDelta => ({
        source: entry.source,
        receivedMinute: entry.receivedMinute,
        received: entry.received,
        outcomes: Object.fromEntries(
          outcomeNames.map((name, outcome) => [name, entry.counts[outcome]!]),
        ),
      })),
      restatements: this.restatements,
      adAttributes: this.adAttributes,
      outcomeChanges: this.outcomeChanges,
      closes: this.closes,
      layoutChanges: this.layoutChanges,
      operations: this.operations,
      droppedDays: this.droppedDays,
      erasures: this.erasures,
      configs,
      progress,
    };
  }
}
