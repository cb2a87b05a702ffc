/** What the fold of a micro-batch's records has brought about so far; becomes one Commit. */

import type {
  Commit,
  DecidedClicks,
  DictionaryGrowth,
  LedgerDelta,
  PartitionProgress,
  Restatement,
} from "../model/commit.ts";
import type { AdAttributesChange } from "../model/log-record.ts";
import { outcomeCount, outcomeNames } from "../model/outcome.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";
import { MinuteCounts } from "./count.ts";

export class Effects {
  readonly minutes: MinuteCounts;
  readonly clicks: DecidedClicks[] = [];
  readonly restatements: Restatement[] = [];
  readonly adAttributes: AdAttributesChange[] = [];
  private readonly ledger = new Map<
    string,
    { source: string; receivedMinute: number; counts: Float64Array }
  >();
  clickCount = 0;

  constructor(dimensionNames: readonly string[]) {
    this.minutes = new MinuteCounts(dimensionNames);
  }

  /** `counts`: by outcome number. */
  addToLedger(source: string, receivedMinute: number, counts: ArrayLike<number>): void {
    const key = `${receivedMinute} ${source}`;
    let entry = this.ledger.get(key);
    if (!entry) {
      entry = { source, receivedMinute, counts: new Float64Array(outcomeCount) };
      this.ledger.set(key, entry);
    }
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
      ledger: [...this.ledger.values()].map(({ source, receivedMinute, counts }): LedgerDelta => ({
        source,
        receivedMinute,
        outcomes: Object.fromEntries(outcomeNames.map((name, outcome) => [name, counts[outcome]!])),
      })),
      restatements: this.restatements,
      adAttributes: this.adAttributes,
      configs,
      progress,
    };
  }
}
