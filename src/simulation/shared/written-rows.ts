/** Rows of a commit as the tables of a shared database keep them: with texts, for the keys of texts are each process's own. */

import type { Commit, MinuteDeltas } from "../../model/commit.ts";
import { adDictionary } from "../../model/commit.ts";
import type { HistoryStart } from "../../store/changes.ts";
import type { CommitPart } from "../../store/ordered/commit-part.ts";
import type { TextOf } from "../../store/ordered/texts-of.ts";

export type KeyOf = (dictionary: string, text: string | null) => number;

/** What one insert brings of a commit to one table. */
export interface WrittenRows {
  readonly table: string;
  readonly partition: number;
  /** By dictionary, in their order; what was known already may be among them. */
  readonly texts: readonly { readonly dictionary: string; readonly values: readonly string[] }[];
  readonly history: HistoryStart | undefined;
  /** With the keys of who reads. */
  read(keyOf: KeyOf): Partial<Commit>;
}

/** By table: what goes together is one insert a table. */
export function writtenRows({ commit, history }: CommitPart, textOf: TextOf): WrittenRows[] {
  const { clicks, minutes, ledger, restatements, progress, dictionaries } = commit;
  const { partition } = progress;
  const none = { partition, texts: [], history: undefined };
  const texts = (dictionary: string, keys: Int32Array): (string | null)[] =>
    Array.from(keys, (key) => textOf(dictionary, key) ?? null);
  const adIds = clicks.map(({ adKeys }) => texts(adDictionary, adKeys));
  const clickTexts = clicks.map(({ dimensionKeys }) => textsOfAll(dimensionKeys, texts));
  const minuteAds = texts(adDictionary, minutes.adKeys);
  const minuteTexts = textsOfAll(minutes.dimensionKeys, texts);
  const restated = restatements.map(({ adKey }) => textOf(adDictionary, adKey) ?? null);
  const rows: WrittenRows[] = [
    {
      ...none,
      table: "click",
      read: (keyOf) => ({
        clicks: clicks.map((own, i) =>
          Object.assign({}, own, {
            adKeys: keysOf(adDictionary, adIds[i]!, keyOf),
            dimensionKeys: keysOfAll(clickTexts[i]!, keyOf),
          }),
        ),
      }),
    },
    {
      ...none,
      table: "minute_count",
      read: (keyOf) => ({
        minutes: {
          ...minutes,
          adKeys: keysOf(adDictionary, minuteAds, keyOf),
          dimensionKeys: keysOfAll(minuteTexts, keyOf),
        },
      }),
    },
    { ...none, table: "ledger", read: () => ({ ledger }) },
    {
      ...none,
      table: "restatement",
      read: (keyOf) => ({
        restatements: restatements.map((own, i) =>
          Object.assign({}, own, { adKey: keyOf(adDictionary, restated[i]!) }),
        ),
      }),
    },
    { ...none, table: "dictionary", texts: dictionaries, read: () => ({}) },
    {
      ...none,
      table: "facts",
      history,
      read: () => ({
        configs: commit.configs,
        closes: commit.closes,
        layoutChanges: commit.layoutChanges,
        operations: commit.operations,
        adAttributes: commit.adAttributes,
        outcomeChanges: commit.outcomeChanges,
      }),
    },
    {
      ...none,
      table: markTable,
      read: () => ({ committedAtMs: commit.committedAtMs, progress }),
    },
  ];
  return rows.filter(({ table }) => table === markTable || !isEmpty(commit, table));
}

/** With the progress of the commit, which it can't count without. */
export const markTable = "commit_log";

function isEmpty(commit: Commit, table: string): boolean {
  if (table === "click") return commit.clicks.length === 0;
  if (table === "minute_count") return commit.minutes.rowCount === 0;
  if (table === "ledger") return commit.ledger.length === 0;
  if (table === "restatement") return commit.restatements.length === 0;
  if (table === "dictionary") return commit.dictionaries.length === 0;
  return false;
}

/** What they come to together; rows that are there twice are there twice. */
export function gathered(
  base: Commit,
  rows: readonly WrittenRows[],
  keyOf: KeyOf,
): { readonly commit: Commit; readonly history: HistoryStart | undefined } {
  const commit = { ...base };
  let history: HistoryStart | undefined;
  for (const own of rows) {
    history = own.history ?? history;
    for (const [name, value] of Object.entries(own.read(keyOf))) {
      const before: unknown = Reflect.get(commit, name);
      const isMore = Array.isArray(before) && Array.isArray(value);
      const sum: unknown = isMore
        ? [...(before as unknown[]), ...(value as unknown[])]
        : name === "minutes"
          ? together(commit.minutes, value as MinuteDeltas)
          : value;
      Reflect.set(commit, name, sum);
    }
  }
  return { commit, history };
}

function together(one: MinuteDeltas, other: MinuteDeltas): MinuteDeltas {
  if (one.rowCount === 0) return other;
  const both = (a: Int32Array, b: Int32Array): Int32Array => Int32Array.from([...a, ...b]);
  return {
    rowCount: one.rowCount + other.rowCount,
    minutes: both(one.minutes, other.minutes),
    adKeys: both(one.adKeys, other.adKeys),
    counts: both(one.counts, other.counts),
    restated: Uint8Array.from([...one.restated, ...other.restated]),
    dimensionKeys: new Map(
      [...one.dimensionKeys].map(([name, keys]) => [
        name,
        both(keys, other.dimensionKeys.get(name)!),
      ]),
    ),
  };
}

type Texts = ReadonlyMap<string, readonly (string | null)[]>;

function textsOfAll(
  columns: ReadonlyMap<string, Int32Array>,
  texts: (dictionary: string, keys: Int32Array) => (string | null)[],
): Texts {
  return new Map([...columns].map(([name, keys]) => [name, texts(name, keys)]));
}

function keysOfAll(columns: Texts, keyOf: KeyOf): Map<string, Int32Array> {
  return new Map([...columns].map(([name, texts]) => [name, keysOf(name, texts, keyOf)]));
}

function keysOf(dictionary: string, texts: readonly (string | null)[], keyOf: KeyOf): Int32Array {
  return Int32Array.from(texts, (text) => keyOf(dictionary, text));
}
