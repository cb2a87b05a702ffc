/** What the store knows between two commits: all that is small, as of the last one. */

import type { Commit, PartitionProgress } from "../../model/commit.ts";
import type {
  RecordedClose,
  RecordedDroppedDay,
  RecordedLayoutChange,
  Snapshot,
} from "../click-store.ts";
import type { CommitOrder } from "../../order/commit-order.ts";
import type { HistoryStart } from "../changes.ts";
import type { SqlValue } from "./connection.ts";
import { literal } from "./connection.ts";
import type { Database } from "./database.ts";
import { Dictionaries } from "../ordered/dictionaries.ts";
import type { DatedConfig } from "./facts.ts";
import { readFacts } from "./facts.ts";
import { readMove } from "./move-marks.ts";
import type { DimensionTable } from "./schema.ts";
import { dimensionTables } from "./schema.ts";
import { countingToSql } from "./counting-sql.ts";
import type { Tables } from "./tables.ts";

export interface StoreState {
  readonly order: Pick<CommitOrder, "voids">;
  /** Of the last commit. */
  sequence: number;
  readonly progress: Map<number, PartitionProgress>;
  readonly dictionaries: Dictionaries;
  readonly configs: DatedConfig[];
  readonly closes: RecordedClose[];
  readonly layoutChanges: RecordedLayoutChange[];
  readonly droppedDays: RecordedDroppedDay[];
  readonly histories: HistoryStart[];
  /** Whether it was moved into: then some rows are of partitions of before, see moved-partitions.ts. */
  readonly isMoved: boolean;
  /** Whether any click's outcome was ever changed. */
  hasOutcomeChanges: boolean;
  /** Dimensions that the tables have columns of. */
  columns: Readonly<Record<DimensionTable, Set<string>>>;
  /** Those with addresses. */
  addresses: Set<string>;
}

/** What a query is made for: everything up to a commit. */
export interface View {
  readonly state: StoreState;
  readonly tables: Tables;
  /** True for rows of commits up to it. */
  readonly counting: string;
}

export function viewOf(state: StoreState, tables: Tables): View {
  const { sequence, order } = state;
  return { state, tables, counting: countingToSql(order.voids, sequence) };
}

export function snapshotOf(state: StoreState): Snapshot {
  return { asOf: state.sequence, progress: progressOf(state), closes: [...state.closes] };
}

export function progressOf({ progress }: StoreState): PartitionProgress[] {
  return [...progress.values()].toSorted((a, b) => a.partition - b.partition);
}

/** As of the last commit of the order up to which all is decided. */
export async function loadState(
  database: Database,
  order: Pick<CommitOrder, "settledThrough" | "voids">,
): Promise<StoreState> {
  const sequence = order.settledThrough;
  const counting = countingToSql(order.voids, sequence);
  const { texts, ...facts } = await readFacts(database, counting);
  const dictionaries = new Dictionaries();
  for (const { dictionary, value } of texts) dictionaries.learn(dictionary, value);
  const progress = await readProgress(database, counting);
  return {
    order,
    sequence,
    progress: new Map(progress.map((own) => [own.partition, own])),
    dictionaries,
    isMoved: (await readMove(database)) !== undefined,
    ...facts,
    ...(await readDimensions(database)),
  };
}

export function applyToState(state: StoreState, commit: Commit, history?: HistoryStart): void {
  const { sequence: asOf, progress } = commit;
  for (const growth of commit.dictionaries) state.dictionaries.grow(growth);
  for (const config of commit.configs) state.configs.push({ asOf, config });
  state.closes.push(...commit.closes.map((close) => Object.assign({ asOf }, close)));
  state.layoutChanges.push(...commit.layoutChanges.map((own) => Object.assign({ asOf }, own)));
  state.droppedDays.push(...commit.droppedDays.map((own) => Object.assign({ asOf }, own)));
  if (history) state.histories.push(history);
  if (commit.outcomeChanges.length > 0) state.hasOutcomeChanges = true;
  state.progress.set(progress.partition, progress);
  state.sequence = asOf;
}

/** Of each partition, as of the last of the commits that `counting` lets through. */
export async function readProgress(
  { connection, tables }: Database,
  counting: string,
): Promise<PartitionProgress[]> {
  const rows = await connection.rows(
    `SELECT partition, argMax(next_offset, sequence), argMax(watermark, sequence)
     FROM ${tables.rows("commit_log", counting)} GROUP BY partition ORDER BY partition`,
  );
  return rows.map(([partition, nextOffset, watermark]) => ({
    partition: partition as number,
    nextOffset: nextOffset as number,
    watermarkMs: watermarkOf(watermark!),
  }));
}

/** Infinity comes as a text. */
export function watermarkOf(value: SqlValue): number {
  return value === "-inf" ? -Infinity : Number(value);
}

/** Comment of a column whose texts are addresses. */
export const addressComment = "address";

/** Those that the tables of all shards have. */
export async function readDimensions({
  connection,
  tables,
  shards,
}: Database): Promise<Pick<StoreState, "columns" | "addresses">> {
  const columns = `SELECT table, name, comment FROM system.columns
    WHERE database = ${literal(tables.database)} AND startsWith(name, 'd_')`;
  const rows = await connection.rows(
    `SELECT table, name, max(comment) FROM ${tables.everywhere(columns)}
     GROUP BY table, name HAVING count() = ${shards.length}`,
  );
  const named = rows.map(([table, name, comment]) => ({
    table: table as string,
    dimension: (name as string).slice("d_".length),
    isAddress: comment === addressComment,
  }));
  const of = (table: DimensionTable): Set<string> =>
    new Set(named.filter((own) => own.table === table).map(({ dimension }) => dimension));
  const [click, minute_count] = (Object.keys(dimensionTables) as DimensionTable[]).map(of);
  return {
    columns: { click: click!, minute_count: minute_count! },
    addresses: new Set(named.filter((own) => own.isAddress).map(({ dimension }) => dimension)),
  };
}
