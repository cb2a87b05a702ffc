import { clickTimestampMsEnd } from "../model/click.ts";
import type { Commit, PartitionProgress } from "../model/commit.ts";
import { minuteOf } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import { imbalanceOf, ledgerAnswer, noOutcomes, withDelta } from "./ledger-answer.ts";
import type { ClickStoreReader, RecordedClose, Snapshot } from "../store/click-store.ts";
import { closesOf } from "../store/closed-periods.ts";
import type { LedgerNumbers } from "./query-service.ts";

/** All minutes of receipt. */
export const wholeLedger: MinuteRange = { fromMinute: 0, toMinute: minuteOf(clickTimestampMsEnd) };

/** What is known of the commits so far without asking the store: the last one, progress and the ledger's totals. */
export class AppliedCommits {
  totals: LedgerNumbers = { received: 0, ...noOutcomes() };
  /** Clicks by which it does not balance, over the rows of the ledger that the store had and over every commit since. */
  ledgerImbalance = 0;
  private asOf: number;
  private readonly progress: Map<number, PartitionProgress>;
  private closes: readonly RecordedClose[];

  constructor(
    sequence: number,
    progress: readonly PartitionProgress[],
    closes: readonly RecordedClose[],
  ) {
    this.asOf = sequence;
    this.closes = closes;
    this.progress = new Map(progress.map((entry) => [entry.partition, entry]));
  }

  get snapshot(): Snapshot {
    return { asOf: this.asOf, progress: [...this.progress.values()], closes: this.closes };
  }

  /** Takes the totals of the store's ledger. Call once, before the first `apply`, while nothing is committed. */
  async load(store: ClickStoreReader): Promise<void> {
    const rows = await store.ledger(wholeLedger.fromMinute, wholeLedger.toMinute);
    this.totals = ledgerAnswer(rows).total;
    this.ledgerImbalance = rows.reduce((sum, row) => sum + imbalanceOf(row), 0);
  }

  apply(commit: Pick<Commit, "sequence" | "progress" | "ledger" | "closes">): void {
    this.asOf = commit.sequence;
    if (commit.closes.length > 0) this.closes = [...this.closes, ...closesOf(commit)];
    this.progress.set(commit.progress.partition, commit.progress);
    for (const delta of commit.ledger) {
      this.totals = withDelta(this.totals, delta);
      this.ledgerImbalance += imbalanceOf(delta);
    }
  }
}
