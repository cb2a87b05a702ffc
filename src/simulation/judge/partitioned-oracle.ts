import type { PartitionProgress } from "../../model/commit.ts";
import type { LogRecord } from "../../model/log-record.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import { erasuresOf } from "../oracle/oracle-erasures.ts";
import type { OracleErasure, OracleLedgerRow } from "../oracle/oracle-fold.ts";
import { Oracle } from "../oracle/oracle.ts";
import { SpannedOracle } from "./spanned-oracle.ts";

type Progress = readonly Pick<PartitionProgress, "partition" | "nextOffset">[];

/** An oracle for each partition's log, up to some progress, and their answers put together. */
export class PartitionedOracle {
  private readonly first: SemanticConfig;
  private readonly logs: readonly (readonly LogRecord[])[];
  private oracles: Oracle[] = [];
  private applied: number[] = [];
  private readonly standing = new Map<string, Oracle>();
  private readonly others = new Map<string, PartitionedOracle>();
  /** By partition, all of the log; and what is known to be erased later. */
  private readonly erasures: readonly (readonly OracleErasure[])[];
  private readonly later: readonly (readonly OracleErasure[])[];

  /** `first`: the configuration that holds until the log brings one. */
  constructor(
    first: SemanticConfig,
    logs: readonly (readonly LogRecord[])[],
    later: readonly (readonly OracleErasure[])[] = logs.map(() => []),
  ) {
    this.first = first;
    this.logs = logs;
    this.erasures = logs.map(erasuresOf);
    this.later = later;
    this.begin();
  }

  /** Whether anything is erased in between. */
  erasesBetween(from: Progress, to: Progress): boolean {
    return this.erasures.some((all, partition) =>
      all.some(
        ({ offset }) => offset >= offsetIn(from, partition) && offset < offsetIn(to, partition),
      ),
    );
  }

  /** One that stands here too, of which is told by somebody who knows of all that was erased up to this progress. */
  knowing(progress: Progress): PartitionedOracle {
    const here = this.applied.map((nextOffset, partition) => ({ partition, nextOffset }));
    if (!this.erasesBetween(here, progress)) return this;
    const erased = this.erasures.map((all, partition) =>
      all.filter(({ offset }) => offset < offsetIn(progress, partition)),
    );
    const key = erased.map(({ length }) => length).join(" ");
    let other = this.others.get(key);
    if (!other)
      this.others.set(key, (other = new PartitionedOracle(this.first, this.logs, erased)));
    other.moveTo(here);
    return other;
  }

  /** By operation, the clicks that each partition has erased a field of. */
  get erased(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const [id, clicks] of this.oracles.flatMap(({ erased }) => [...erased]))
      sums.set(id, (sums.get(id) ?? 0) + clicks);
    return sums;
  }

  /** Exactly what these offsets cover, of all partitions that are not named nothing. */
  moveTo(progress: Progress): void {
    const wanted = this.logs.map((_, partition) => offsetIn(progress, partition));
    if (wanted.some((offset, partition) => offset < this.applied[partition]!)) this.begin();
    for (const [partition, offset] of wanted.entries()) {
      for (; this.applied[partition]! < offset; this.applied[partition]!++)
        this.oracles[partition]!.apply(this.logs[partition]![this.applied[partition]!]!);
    }
  }

  moveToEnd(): void {
    this.moveTo(this.logs.map(({ length }, partition) => ({ partition, nextOffset: length })));
  }

  /** As all is known now, whatever is closed. */
  get present(): SpannedOracle {
    const all = { fromMinute: -Infinity, toMinute: Infinity };
    return new SpannedOracle([{ ...all, oracles: this.oracles }]);
  }

  /** By `source|minute of receipt`. */
  get ledger(): Map<string, OracleLedgerRow> {
    const sums = new Map<string, OracleLedgerRow>();
    for (const [key, row] of this.oracles.flatMap(({ ledger }) => [...ledger])) {
      const before = sums.get(key);
      const names = Object.keys(row) as (keyof OracleLedgerRow)[];
      const sum = Object.fromEntries(
        names.map((name) => [name, row[name] + (before?.[name] ?? 0)]),
      );
      sums.set(key, sum as OracleLedgerRow);
    }
    return sums;
  }

  /** By day, what any partition keeps no more. */
  get dropped(): { readonly raw: ReadonlySet<number>; readonly minutes: ReadonlySet<number> } {
    return {
      raw: new Set(this.oracles.flatMap(({ droppedRaw }) => [...droppedRaw.keys()])),
      minutes: new Set(this.oracles.flatMap(({ droppedMinutes }) => [...droppedMinutes])),
    };
  }

  /** The ledger of receipts on the days before is kept no more. */
  get firstLedgerDay(): number {
    return Math.max(...this.oracles.map((oracle) => oracle.firstLedgerDay));
  }

  isFinal(minute: number): boolean {
    return this.oracles.every((oracle) => oracle.isFinal(minute));
  }

  /** As it is to be answered: of minutes that all partitions have closed what each had when it did. */
  sealed(): SpannedOracle {
    const closedThrough = Math.min(...this.oracles.map((oracle) => oracle.closedThrough));
    const ends = this.oracles.flatMap(({ seals }) => seals.map(({ through }) => through));
    const closed = [...new Set(ends)].filter((end) => end <= closedThrough).toSorted(ascending);
    const spans = closed.map((toMinute, i) => ({
      fromMinute: closed[i - 1] ?? -Infinity,
      toMinute,
      oracles: this.oracles.map(({ seals }, partition) => {
        const { offset } = seals.find(({ through }) => through >= toMinute)!;
        return this.standingAt(partition, offset + 1);
      }),
    }));
    const open = { fromMinute: closedThrough, toMinute: Infinity, oracles: this.oracles };
    return new SpannedOracle([...spans, open]);
  }

  /** Beside the oracles that move on. */
  private standingAt(partition: number, nextOffset: number): Oracle {
    const log = this.logs[partition]!;
    // What was closed before is erased too.
    const erased = [
      ...this.erasures[partition]!.filter(({ offset }) => offset < this.applied[partition]!),
      ...this.later[partition]!,
    ];
    const key = `${partition} ${nextOffset} ${erased.length}`;
    let oracle = this.standing.get(key);
    if (!oracle) {
      oracle = new Oracle(this.first, log.slice(0, nextOffset), erased);
      this.standing.set(key, oracle);
    }
    return oracle;
  }

  private begin(): void {
    this.oracles = this.later.map((erasures) => new Oracle(this.first, [], erasures));
    this.applied = this.logs.map(() => 0);
  }
}

const ascending = (a: number, b: number): number => a - b;

function offsetIn(progress: Progress, partition: number): number {
  return progress.find((known) => known.partition === partition)?.nextOffset ?? 0;
}
