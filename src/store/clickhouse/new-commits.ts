/** Commits read back from the tables, with all that queries need of them. */

import type {
  Commit,
  DictionaryGrowth,
  LedgerDelta,
  MinuteDeltas,
  PartitionProgress,
  Restatement,
} from "../../model/commit.ts";
import { adDictionary } from "../../model/commit.ts";
import { CodedError } from "../../model/errors.ts";
import { outcomeNames } from "../../model/outcome.ts";
import type { Decision } from "../../order/commit-order.ts";
import type { HistoryStart } from "../changes.ts";
import { outcomesFrom } from "./clicks.ts";
import type { Database } from "./database.ts";
import type { Dictionaries } from "../ordered/dictionaries.ts";
import { noMinutes, voidCommit } from "../ordered/void-commit.ts";
import { readFacts } from "./facts.ts";
import { columnsOf } from "./seen-sql.ts";
import type { DatedText } from "./facts.ts";
import { countingToSql } from "./counting-sql.ts";
import type { StoreState } from "./state.ts";
import { watermarkOf } from "./state.ts";

export interface NewCommits {
  /** In their order, without a gap. */
  readonly commits: readonly Commit[];
  /** By the commit that begins it. */
  readonly histories: ReadonlyMap<number, HistoryStart>;
  readonly hasOutcomeChanges: boolean;
}

/** What is read at a time, so that one who was away for long takes it in pieces; a commit is always read as a whole. */
const commitsMax = 500;
const rowsMax = 200_000;

/**
 * The first of those that were decided behind the state's last one; a void one is told as one that brings nothing. The
 * dictionaries grow by theirs, which changes nothing for earlier ones.
 */
export async function readNewCommits(
  database: Database,
  { sequence, dictionaries, columns, configs: known, order, progress }: StoreState,
  decided: readonly Decision[],
): Promise<NewCommits> {
  const countingTo = (last: number): string => countingToSql(order.voids, last, sequence);
  const last = await lastToRead(database, decided, countingTo);
  const decisions = decided.filter((decision) => decision.sequence <= last);
  const counting = countingTo(last);
  const facts = await readFacts(database, counting);
  const growths = growthsOf(facts.texts, dictionaries);
  const names = [...columns.minute_count].toSorted();
  const [marks, minutes, ledger, restatements] = await Promise.all([
    readMarks(database, counting),
    readMinutes(database, counting, names, dictionaries),
    readLedgerDeltas(database, counting),
    readRestatementsOf(database, counting, dictionaries),
  ]);
  const lastGeneration = known.at(-1)?.config.generation ?? 0;
  const configs = bySequence(
    facts.configs.filter(({ config }) => config.generation > lastGeneration),
    ({ asOf }) => asOf,
  );
  const closes = bySequence(facts.closes, ({ asOf }) => asOf);
  const layoutChanges = bySequence(facts.layoutChanges, ({ asOf }) => asOf);
  const droppedDays = bySequence(facts.droppedDays, ({ asOf }) => asOf);
  const histories = new Map(facts.histories.map((own) => [own.firstSequence, own]));
  const reached = new Map(progress);
  const commits = decisions.map(({ sequence: own, counts, range }): Commit => {
    const { partition } = range;
    const nothing = voidCommit(own, range, reached.get(partition));
    if (!counts) return nothing;
    const mark = marks.get(own);
    if (!mark) throw missing(database, own);
    reached.set(partition, mark.progress);
    return Object.assign(nothing, mark, {
      dictionaries: growths.get(own) ?? [],
      minutes: minutes.get(own) ?? noMinutes,
      ledger: ledger.get(own) ?? [],
      restatements: restatements.get(own) ?? [],
      closes: closes.get(own) ?? [],
      layoutChanges: layoutChanges.get(own) ?? [],
      droppedDays: droppedDays.get(own) ?? [],
      erasures: histories.get(own)?.startsOver ? [movedMinutes] : [],
      configs: (configs.get(own) ?? []).map(({ config }) => config),
    });
  });
  return { commits, histories, hasOutcomeChanges: facts.hasOutcomeChanges };
}

/** Tables that a commit may have many rows of; those of clicks are not read. */
const largeTables = ["minute_count", "restatement", "dictionary", "ledger"];

async function lastToRead(
  { connection, tables }: Database,
  decided: readonly Decision[],
  countingTo: (last: number) => string,
): Promise<number> {
  const first = decided[0]!.sequence;
  const last = decided[Math.min(decided.length, commitsMax) - 1]!.sequence;
  if (first === last) return last;
  const counting = countingTo(last);
  const selects = largeTables.map(
    (table) => `SELECT sequence FROM ${tables.of(table)} WHERE ${counting}`,
  );
  const [row] = await connection.rows(
    `SELECT min(sequence) FROM (
       SELECT sequence, sum(count()) OVER (ORDER BY sequence) AS rows_so_far
       FROM ${tables.everywhere(selects.join(" UNION ALL "))} GROUP BY sequence)
     WHERE rows_so_far > ${rowsMax}`,
  );
  const tooMany = row![0] as number;
  return tooMany === 0 ? last : Math.max(first, tooMany - 1);
}

/** Of which fields and values is not kept, only that minute rows had them. */
const movedMinutes = { field: "", values: [], adKeys: [], inMinutes: true } as const;

function growthsOf(
  texts: readonly DatedText[],
  dictionaries: Dictionaries,
): ReadonlyMap<number, readonly DictionaryGrowth[]> {
  const growths = new Map<number, DictionaryGrowth[]>();
  for (const { asOf, dictionary, value } of texts) {
    if (!dictionaries.learn(dictionary, value)) continue;
    const growth = { dictionary, firstKey: dictionaries.sizeOf(dictionary), values: [value] };
    growths.set(asOf, [...(growths.get(asOf) ?? []), growth]);
  }
  return growths;
}

interface Mark {
  readonly committedAtMs: number;
  readonly progress: PartitionProgress;
}

async function readMarks(
  { connection, tables }: Database,
  counting: string,
): Promise<ReadonlyMap<number, Mark>> {
  const rows = await connection.rows(
    `SELECT sequence, partition, committed_at, next_offset, watermark
     FROM ${tables.rows("commit_log", counting)}`,
  );
  return new Map(
    rows.map(([sequence, partition, committedAtMs, nextOffset, watermark]) => [
      sequence as number,
      {
        committedAtMs: committedAtMs as number,
        progress: {
          partition: partition as number,
          nextOffset: nextOffset as number,
          watermarkMs: watermarkOf(watermark!),
        },
      },
    ]),
  );
}

async function readMinutes(
  { connection, tables }: Database,
  counting: string,
  names: readonly string[],
  dictionaries: Dictionaries,
): Promise<ReadonlyMap<number, MinuteDeltas>> {
  // As they are sent, not as they are kept.
  const texts = columnsOf(names).map((column) => `CAST(${column}, 'Nullable(String)')`);
  const columns = ["minute", "toInt32(clicks)", "restated", "ad_id", ...texts];
  const found = new Map<number, MinuteDeltas>();
  const blocks = connection.blocks(
    `SELECT toInt64(sequence), ${columns.join(", ")}
     FROM ${tables.rows("minute_count", counting)} ORDER BY sequence`,
  );
  for await (const block of blocks) {
    const sequences = block.int64(0);
    const keysAt = (column: number, dictionary: string): Int32Array =>
      Int32Array.from(block.texts(column), (text) => dictionaries.keyOf(dictionary, text));
    const all: MinuteDeltas = {
      rowCount: block.rowCount,
      minutes: block.int32(1),
      counts: block.int32(2),
      restated: block.uint8(3),
      adKeys: keysAt(4, adDictionary),
      dimensionKeys: new Map(names.map((name, i) => [name, keysAt(5 + i, name)])),
    };
    for (let from = 0, to = 1; from < block.rowCount; from = to++) {
      const sequence = sequences[from]!;
      while (to < block.rowCount && sequences[to] === sequence) to++;
      const rows = rowsOf(all, from, to);
      const before = found.get(sequence);
      found.set(sequence, before ? together(before, rows) : rows);
    }
  }
  return found;
}

function rowsOf(all: MinuteDeltas, from: number, to: number): MinuteDeltas {
  return {
    rowCount: to - from,
    minutes: all.minutes.subarray(from, to),
    counts: all.counts.subarray(from, to),
    restated: all.restated.subarray(from, to),
    adKeys: all.adKeys.subarray(from, to),
    dimensionKeys: new Map(
      [...all.dimensionKeys].map(([name, keys]) => [name, keys.subarray(from, to)]),
    ),
  };
}

/** A commit's rows may come in two blocks. */
function together(first: MinuteDeltas, second: MinuteDeltas): MinuteDeltas {
  const both = (one: Int32Array, other: Int32Array): Int32Array =>
    Int32Array.from([...one, ...other]);
  return {
    rowCount: first.rowCount + second.rowCount,
    minutes: both(first.minutes, second.minutes),
    counts: both(first.counts, second.counts),
    restated: Uint8Array.from([...first.restated, ...second.restated]),
    adKeys: both(first.adKeys, second.adKeys),
    dimensionKeys: new Map(
      [...first.dimensionKeys].map(([name, keys]) => [
        name,
        both(keys, second.dimensionKeys.get(name)!),
      ]),
    ),
  };
}

async function readLedgerDeltas(
  { connection, tables }: Database,
  counting: string,
): Promise<ReadonlyMap<number, readonly LedgerDelta[]>> {
  const rows = await connection.rows(
    `SELECT sequence, received_minute, source, received, ${outcomeNames.join(", ")}
     FROM ${tables.rows("ledger", counting)}`,
  );
  const grouped = bySequence(rows, ([sequence]) => sequence as number);
  return mapValues(grouped, (row) => ({
    receivedMinute: row[1] as number,
    source: row[2] as string,
    received: row[3] as number,
    outcomes: outcomesFrom((name) => row[4 + outcomeNames.indexOf(name)] as number),
  }));
}

async function readRestatementsOf(
  { connection, tables }: Database,
  counting: string,
  dictionaries: Dictionaries,
): Promise<ReadonlyMap<number, readonly Restatement[]>> {
  const rows = await connection.rows(
    `SELECT sequence, minute, ad_id, count_before, count_after, revision, reason, partition, log_offset, received_at
     FROM ${tables.rows("restatement", counting)} ORDER BY sequence, log_offset, revision`,
  );
  const grouped = bySequence(rows, ([sequence]) => sequence as number);
  return mapValues(grouped, (row) => ({
    minute: row[1] as number,
    adKey: dictionaries.keyOf(adDictionary, row[2] as string),
    before: row[3] as number,
    after: row[4] as number,
    revision: row[5] as number,
    reason: row[6] as Restatement["reason"],
    partition: row[7] as number,
    offset: row[8] as number,
    receivedAtMs: row[9] as number,
  }));
}

function bySequence<T>(
  all: readonly T[],
  sequenceOf: (one: T) => number,
): ReadonlyMap<number, readonly T[]> {
  return Map.groupBy(all, sequenceOf);
}

function mapValues<T, U>(
  groups: ReadonlyMap<number, readonly T[]>,
  map: (one: T) => U,
): ReadonlyMap<number, readonly U[]> {
  return new Map([...groups].map(([sequence, all]) => [sequence, all.map((one) => map(one))]));
}

function missing({ name }: Database, sequence: number): CodedError {
  return new CodedError(
    "data_corrupt",
    `commit ${sequence} is missing in the database ${name}, which knows later ones`,
  );
}
