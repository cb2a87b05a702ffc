/** What the store knows between two commits: all that is small, as of the last one. */

import type { Commit, PartitionProgress } from "../../model/commit.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import type {
  RecordedClose,
  RecordedDroppedDay,
  RecordedLayoutChange,
  Snapshot,
} from "../click-store.ts";
import { closeOfRow, droppedDayOfRow, layoutChangeOfRow } from "../row-shapes.ts";
import type { HistoryStart } from "../changes.ts";
import type { Connection } from "./connection.ts";
import { Dictionaries } from "./dictionaries.ts";
import type { DimensionTable } from "./schema.ts";
import { dimensionTables } from "./schema.ts";
import type { Tenure } from "./tenures.ts";
import { countingToSql, readTenures } from "./tenures.ts";

interface DatedConfig {
  readonly asOf: number;
  readonly config: SemanticConfig;
}

export interface StoreState {
  tenures: readonly Tenure[];
  /** Of the last commit. */
  sequence: number;
  readonly progress: Map<number, PartitionProgress>;
  readonly dictionaries: Dictionaries;
  readonly configs: DatedConfig[];
  readonly closes: RecordedClose[];
  readonly layoutChanges: RecordedLayoutChange[];
  readonly droppedDays: RecordedDroppedDay[];
  readonly histories: HistoryStart[];
  /** Whether any click's outcome was ever changed. */
  hasOutcomeChanges: boolean;
  /** Dimensions that the tables have columns of. */
  readonly columns: Readonly<Record<DimensionTable, Set<string>>>;
  /** Those with addresses. */
  readonly addresses: Set<string>;
}

/** What a query is made for: everything up to a commit. */
export interface View {
  readonly state: StoreState;
  /** True for rows of commits up to it. */
  readonly counting: string;
}

export function viewOf(state: StoreState): View {
  const { sequence, tenures } = state;
  return { state, counting: countingToSql(tenures, sequence) };
}

export function snapshotOf(state: StoreState): Snapshot {
  return { asOf: state.sequence, progress: progressOf(state), closes: [...state.closes] };
}

export function progressOf({ progress }: StoreState): PartitionProgress[] {
  return [...progress.values()].toSorted((a, b) => a.partition - b.partition);
}

export async function loadState(connection: Connection): Promise<StoreState> {
  const tenures = await readTenures(connection);
  const sequence = tenures.at(-1)?.lastSequence ?? 0;
  const counting = countingToSql(tenures, sequence);
  const dictionaries = new Dictionaries();
  const values = await connection.rows(
    `SELECT dictionary, key, value FROM dictionary WHERE ${counting} ORDER BY dictionary, key`,
  );
  for (const [dictionary, key, value] of values)
    dictionaries.grow({
      dictionary: dictionary as string,
      firstKey: key as number,
      values: [value as string],
    });
  const configs = await connection.rows(
    `SELECT sequence, settings FROM config WHERE ${counting} ORDER BY generation`,
  );
  const histories = await connection.rows(
    `SELECT sequence, id, starts_over FROM history WHERE ${counting} ORDER BY sequence`,
  );
  const [changes] = await connection.rows(
    `SELECT count() FROM (SELECT 1 FROM outcome_change WHERE ${counting} LIMIT 1)`,
  );
  const progress = await readProgress(connection, counting);
  return {
    tenures,
    sequence,
    progress: new Map(progress.map((own) => [own.partition, own])),
    dictionaries,
    configs: configs.map(([asOf, settings]) => ({
      asOf: asOf as number,
      config: JSON.parse(settings as string) as SemanticConfig,
    })),
    closes: await readCloses(connection, counting),
    layoutChanges: await readLayoutChanges(connection, counting),
    droppedDays: await readDroppedDays(connection, counting),
    histories: histories.map(([first, id, startsOver]) => ({
      firstSequence: first as number,
      id: id as string,
      startsOver: startsOver === 1,
    })),
    hasOutcomeChanges: changes![0] === 1,
    ...(await readDimensions(connection)),
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
  connection: Connection,
  counting: string,
): Promise<PartitionProgress[]> {
  const rows = await connection.rows(
    `SELECT partition, argMax(next_offset, sequence), argMax(watermark, sequence)
     FROM commit_log WHERE ${counting} GROUP BY partition ORDER BY partition`,
  );
  return rows.map(([partition, nextOffset, watermark]) => ({
    partition: partition as number,
    nextOffset: nextOffset as number,
    watermarkMs: watermark === "-inf" ? -Infinity : Number(watermark),
  }));
}

async function readCloses(connection: Connection, counting: string): Promise<RecordedClose[]> {
  const rows = await connection.rows(
    `SELECT id, through_minute, zone, partition, received_at, sequence
     FROM closed_period WHERE ${counting} ORDER BY sequence`,
  );
  return rows.map(closeOfRow);
}

async function readLayoutChanges(
  connection: Connection,
  counting: string,
): Promise<RecordedLayoutChange[]> {
  const rows = await connection.rows(
    `SELECT id, partition, from_minute, to_minute, dimensions, sequence
     FROM layout_change WHERE ${counting} ORDER BY sequence, from_minute`,
  );
  return rows.map(layoutChangeOfRow);
}

async function readDroppedDays(
  connection: Connection,
  counting: string,
): Promise<RecordedDroppedDay[]> {
  const rows = await connection.rows(
    `SELECT partition, day, what, received_day, sequence
     FROM dropped_day WHERE ${counting} ORDER BY sequence, partition, day`,
  );
  return rows.map(droppedDayOfRow);
}

/** Comment of a column whose texts are addresses. */
export const addressComment = "address";

async function readDimensions(
  connection: Connection,
): Promise<Pick<StoreState, "columns" | "addresses">> {
  const rows = await connection.rows(
    `SELECT table, name, comment FROM system.columns
     WHERE database = currentDatabase() AND startsWith(name, 'd_')`,
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
