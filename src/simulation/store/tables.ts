/** What the simulated store holds, as plain rows: the simplest thing that a store's answers can be computed from. */

import { EventIdKind, eventIdAt, textAt } from "../../model/click-batch.ts";
import type { NamedColumn } from "../../model/click-batch.ts";
import type {
  Commit,
  DecidedClicks,
  LedgerDelta,
  PartitionProgress,
  Restatement,
} from "../../model/commit.ts";
import { formatIp } from "../../model/ip.ts";
import type { AdAttributesChange } from "../../model/log-record.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import { Outcome } from "../../model/outcome.ts";
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

/** What of a commit becomes rows. Throws where it can't be made, before anything is changed. */
export interface CommitRows {
  readonly raw: readonly RawRow[];
  readonly minutes: readonly MinuteRow[];
}

export function rowsOfCommit(commit: Commit): CommitRows {
  if (!Array.isArray(commit.ledger)) throw new TypeError("the commit has no ledger");
  return {
    raw: commit.clicks.flatMap((clicks) => rawRows(clicks, commit.sequence)),
    minutes: minuteRows(commit),
  };
}

/** `historyId`: of the history that the commit begins. */
export function applyCommit(
  contents: Contents,
  commit: Commit,
  rows: CommitRows,
  historyId?: string,
): void {
  const { dictionaries, records, raw, keyed } = contents;
  const { sequence: asOf } = commit;
  for (const { dictionary, values } of commit.dictionaries)
    dictionaries.set(dictionary, [...(dictionaries.get(dictionary) ?? []), ...values]);
  for (const { partition, offset, batch, dimensionKeys } of commit.clicks) {
    records.add(`${partition}:${offset}`);
    for (const name of dimensionKeys.keys()) keyed.add(name);
    for (const { name, column } of batch.dimensions)
      if (column.type === "ip") contents.addresses.add(name);
  }
  for (const name of commit.minutes.dimensionKeys.keys()) keyed.add(name);
  raw.push(...rows.raw);
  contents.minutes.push(...rows.minutes);
  contents.ledger.push(...commit.ledger);
  for (const entry of commit.restatements) contents.journal.push(Object.assign({ asOf }, entry));
  contents.closes.push(...commit.closes.map((close) => Object.assign({ asOf }, close)));
  contents.operations.push(...commit.operations.map((part) => Object.assign({ asOf }, part)));
  contents.layoutChanges.push(
    ...commit.layoutChanges.map((change) => Object.assign({ asOf }, change)),
  );
  contents.droppedDays.push(...commit.droppedDays.map((day) => Object.assign({ asOf }, day)));
  for (const { partition, offset, row, after } of commit.outcomeChanges) {
    const at = raw.findIndex(
      (other) => other.partition === partition && other.offset === offset && other.row === row,
    );
    const before = raw[at]!;
    raw[at] = {
      ...before,
      outcome: Outcome[after],
      corrections: [
        ...before.corrections,
        { commit: asOf, before: before.outcome, after: Outcome[after] },
      ],
    };
  }
  const { partition: own } = commit.progress;
  for (const change of commit.adAttributes)
    contents.attributes.push(Object.assign({ partition: own, commit: asOf }, change));
  for (const config of commit.configs) contents.configs.push({ commit: asOf, config });
  contents.commits.push({ sequence: asOf, progress: commit.progress });
  contents.progress.set(commit.progress.partition, commit.progress);
  contents.sequence = asOf;
  if (historyId !== undefined) contents.histories.push({ firstSequence: asOf, id: historyId });
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

function rawRows(clicks: DecidedClicks, commit: number): RawRow[] {
  const { partition, offset, receivedAtMs, source, batch, adKeys, outcomes, dimensionKeys } =
    clicks;
  const { kinds, words } = batch.eventIds;
  return Array.from({ length: batch.rowCount }, (_, row) => {
    const isText = kinds[row] === EventIdKind.text;
    const eventId = eventIdAt(batch, row);
    return {
      commit,
      partition,
      offset,
      row,
      receivedAtMs,
      source,
      adKey: adKeys[row]!,
      eventIdKind: kinds[row]!,
      eventIdWords: isText ? [0, 0, 0, 0] : [...words.subarray(row * 4, row * 4 + 4)],
      eventIdText: isText ? eventId : null,
      eventId,
      time: batch.clickTimestamps[row]!,
      outcome: outcomes[row]!,
      corrections: [],
      dimensions: dimensionsAt(batch.dimensions, row),
      dimensionKeys: Object.fromEntries(
        [...dimensionKeys].map(([name, keys]) => [name, keys[row]!]),
      ),
    };
  });
}

function dimensionsAt(columns: readonly NamedColumn[], row: number): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { name, column } of columns) {
    if (column.type === "ip") {
      if (column.present[row] === 1) values[name] = formatIp(column.words, row * 4);
      continue;
    }
    const text = textAt(column, row);
    if (text !== undefined) values[name] = text;
  }
  return values;
}

function minuteRows({ minutes: deltas, sequence: commit, progress }: Commit): MinuteRow[] {
  const names = [...deltas.dimensionKeys.keys()].toSorted();
  return Array.from({ length: deltas.rowCount }, (_, row) => {
    const minute = deltas.minutes[row]!;
    const adKey = deltas.adKeys[row]!;
    const dimensionKeys: Record<string, number> = {};
    let key = `${minute} ${adKey}`;
    for (const name of names) {
      const value = deltas.dimensionKeys.get(name)![row]!;
      if (value === 0) continue;
      dimensionKeys[name] = value;
      key += ` ${name} ${value}`;
    }
    return {
      minute,
      adKey,
      dimensionKeys,
      key,
      count: deltas.counts[row]!,
      restated: deltas.restated[row]!,
      partition: progress.partition,
      commit,
    };
  });
}
