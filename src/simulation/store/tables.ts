/** What the simulated store holds, as plain rows: the simplest thing that a store's answers can be computed from. */

import type { LedgerDelta, PartitionProgress, Restatement } from "../../model/commit.ts";
import type { AdAttributesChange } from "../../model/log-record.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import { minuteOf } from "../../model/time.ts";
import type {
  RecordedClose,
  RecordedDroppedDay,
  RecordedLayoutChange,
  RecordedOperation,
} from "../../store/click-store.ts";
import type { HistoryStart } from "../../store/changes.ts";

export interface RawRow {
  readonly commit: number;
  readonly partition: number;
  readonly offset: number;
  readonly row: number;
  readonly receivedAtMs: number;
  readonly source: string;
  readonly adKey: number;
  readonly eventIdKind: number;
  /** Zeros where the id is a text. */
  readonly eventIdWords: readonly number[];
  readonly eventIdText: string | null;
  readonly eventId: string;
  readonly time: number;
  readonly outcome: number;
  /** What it was before and after each commit that changed it, in their order. */
  readonly corrections: readonly Correction[];
  readonly dimensions: Readonly<Record<string, string>>;
  /** Of the minute dimensions of then. */
  readonly dimensionKeys: Readonly<Record<string, number>>;
}

/** Outcomes by number. */
export interface Correction {
  readonly commit: number;
  readonly before: number;
  readonly after: number;
}

export interface MinuteRow {
  readonly minute: number;
  readonly adKey: number;
  /** Dictionary keys, absent where missing. */
  readonly dimensionKeys: Readonly<Record<string, number>>;
  readonly count: number;
  readonly restated: number;
  readonly partition: number;
  /** Of merged rows the last. */
  readonly commit: number;
  /** What is the same of rows that a compaction merges. */
  readonly key: string;
}

export type JournalRow = Restatement & { readonly asOf: number };

/** Everything. */
export interface Contents {
  sequence: number;
  readonly progress: Map<number, PartitionProgress>;
  /** What each commit so far had applied of its partition, in their order. */
  readonly commits: { readonly sequence: number; readonly progress: PartitionProgress }[];
  readonly dictionaries: Map<string, string[]>;
  /** Texts that have no key here; the first has -1, the next -2, and so on. */
  readonly foreign: string[];
  readonly configs: { readonly commit: number; readonly config: SemanticConfig }[];
  raw: RawRow[];
  /** Those that are committed, `partition:offset`. */
  readonly records: Set<string>;
  minutes: MinuteRow[];
  ledger: LedgerDelta[];
  journal: JournalRow[];
  readonly closes: RecordedClose[];
  readonly operations: RecordedOperation[];
  readonly attributes: (AdAttributesChange & {
    readonly partition: number;
    readonly commit: number;
  })[];
  readonly droppedDays: RecordedDroppedDay[];
  readonly histories: HistoryStart[];
  readonly layoutChanges: RecordedLayoutChange[];
  /** Names of minute dimensions so far, and of those of addresses. */
  readonly keyed: Set<string>;
  readonly addresses: Set<string>;
}

export function emptyContents(): Contents {
  return {
    sequence: 0,
    progress: new Map(),
    commits: [],
    dictionaries: new Map(),
    foreign: [],
    configs: [],
    raw: [],
    records: new Set(),
    minutes: [],
    ledger: [],
    journal: [],
    attributes: [],
    closes: [],
    operations: [],
    histories: [],
    layoutChanges: [],
    droppedDays: [],
    keyed: new Set(),
    addresses: new Set(),
  };
}

/** Rows never change, so that a copy may share them. */
export function copyOf(contents: Contents): Contents {
  return {
    sequence: contents.sequence,
    progress: new Map(contents.progress),
    commits: [...contents.commits],
    dictionaries: new Map(contents.dictionaries),
    foreign: [...contents.foreign],
    configs: [...contents.configs],
    raw: [...contents.raw],
    records: new Set(contents.records),
    minutes: [...contents.minutes],
    ledger: [...contents.ledger],
    journal: [...contents.journal],
    attributes: [...contents.attributes],
    closes: [...contents.closes],
    operations: [...contents.operations],
    histories: [...contents.histories],
    layoutChanges: [...contents.layoutChanges],
    droppedDays: [...contents.droppedDays],
    keyed: new Set(contents.keyed),
    addresses: new Set(contents.addresses),
  };
}

/** One row a key in the minutes before `endMinute`; what was restated stays apart, by commit. */
export function compactContents(contents: Contents, endMinute: number): void {
  const merged = new Map<string, MinuteRow>();
  const rest: MinuteRow[] = [];
  for (const row of contents.minutes) {
    if (row.minute >= endMinute || row.restated === 1) {
      rest.push(row);
      continue;
    }
    const before = merged.get(row.key);
    merged.set(row.key, before ? { ...row, count: before.count + row.count } : row);
  }
  contents.minutes = [...merged.values(), ...rest];
}

/** By partition. */
export function progressOf(contents: Contents): PartitionProgress[] {
  return [...contents.progress.values()].toSorted((a, b) => a.partition - b.partition);
}

/** As of a commit; undefined where it is not through. */
export function progressAt(contents: Contents, asOf: number): PartitionProgress[] | undefined {
  if (asOf > contents.sequence) return undefined;
  const until = contents.commits.filter(({ sequence }) => sequence <= asOf);
  const last = new Map(until.map(({ progress }) => [progress.partition, progress]));
  return [...last.values()].toSorted((a, b) => a.partition - b.partition);
}

export function textOfKey(contents: Contents, dictionary: string, key: number): string | null {
  if (key < 0) return contents.foreign[-1 - key] ?? null;
  return contents.dictionaries.get(dictionary)?.[key - 1] ?? null;
}

/** What makes two clicks one, but for the minute. */
export function identityOf(row: Pick<RawRow, "adKey" | "eventIdKind" | "eventId">): string {
  return `${row.adKey} ${row.eventIdKind} ${row.eventId}`;
}

export function timedIdentityOf(row: RawRow): string {
  return `${minuteOf(row.time)} ${identityOf(row)}`;
}

/** As of a commit. */
export function outcomeAt({ outcome, corrections }: RawRow, asOf: number): number {
  return corrections.find(({ commit }) => commit > asOf)?.before ?? outcome;
}

export const minuteOfRow = (row: RawRow): number => minuteOf(row.time);

/** `dimensionKeys` in the order of their names. */
export function keyOfMinuteRow({
  minute,
  adKey,
  dimensionKeys,
}: Pick<MinuteRow, "minute" | "adKey" | "dimensionKeys">): string {
  const dimensions = Object.entries(dimensionKeys).map(([name, key]) => ` ${name} ${key}`);
  return `${minute} ${adKey}${dimensions.join("")}`;
}
