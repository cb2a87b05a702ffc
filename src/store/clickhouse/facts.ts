/** What commits have brought of the small things that the store keeps in memory. */

import type { SemanticConfig } from "../../model/semantic-config.ts";
import type { RecordedClose, RecordedDroppedDay, RecordedLayoutChange } from "../click-store.ts";
import { closeOfRow, droppedDayOfRow, layoutChangeOfRow } from "../row-shapes.ts";
import type { HistoryStart } from "../changes.ts";
import type { SqlRow } from "./connection.ts";
import { literal } from "./connection.ts";
import type { Database } from "./database.ts";
import type { FactTable } from "./schema.ts";

export interface DatedConfig {
  readonly asOf: number;
  readonly config: SemanticConfig;
}

export interface DatedText {
  readonly asOf: number;
  readonly dictionary: string;
  readonly value: string;
}

/** Each in the order of the commits. */
export interface Facts {
  /** Each as it was brought first. */
  readonly texts: readonly DatedText[];
  readonly configs: DatedConfig[];
  readonly closes: RecordedClose[];
  readonly layoutChanges: RecordedLayoutChange[];
  readonly droppedDays: RecordedDroppedDay[];
  readonly histories: HistoryStart[];
  hasOutcomeChanges: boolean;
}

const tablesOfFacts = [
  "dictionary",
  "config",
  "closed_period",
  "layout_change",
  "dropped_day",
  "history",
  "outcome_change",
] as const satisfies readonly FactTable[];

/** Most commits bring none of these: one question tells which tables are worth asking. */
export async function readFacts(database: Database, counting: string): Promise<Facts> {
  const { connection } = database;
  const news = await tablesWithRows(database, counting);
  const read = async (
    table: FactTable,
    columns: string,
    order: string,
  ): Promise<readonly SqlRow[]> => {
    if (!news.has(table)) return [];
    return await connection.rows(
      `SELECT ${columns} FROM ${database.tables.rows(table, counting)} ORDER BY ${order}`,
    );
  };
  const texts = news.has("dictionary") ? await readTexts(database, counting) : [];
  // Each process that meets one in a log brings it.
  const configs = await read(
    "config",
    "sequence, settings",
    "generation, sequence LIMIT 1 BY generation",
  );
  const closes = await read(
    "closed_period",
    "id, through_minute, zone, partition, received_at, sequence",
    "sequence",
  );
  const layoutChanges = await read(
    "layout_change",
    "id, partition, from_minute, to_minute, dimensions, sequence",
    "sequence, from_minute",
  );
  const droppedDays = news.has("dropped_day") ? await readDroppedDays(database, counting) : [];
  const histories = await read("history", "sequence, id, starts_over", "sequence");
  return {
    texts,
    configs: configs.map(([asOf, settings]) => ({
      asOf: asOf as number,
      config: JSON.parse(settings as string) as SemanticConfig,
    })),
    closes: closes.map(closeOfRow),
    layoutChanges: layoutChanges.map(layoutChangeOfRow),
    droppedDays,
    histories: histories.map(([first, id, startsOver]) => ({
      firstSequence: first as number,
      id: id as string,
      startsOver: startsOver === 1,
    })),
    hasOutcomeChanges: news.has("outcome_change"),
  };
}

export async function readDroppedDays(
  { connection, tables }: Database,
  counting: string,
): Promise<RecordedDroppedDay[]> {
  const rows = await connection.rows(
    `SELECT partition, day, what, received_day, sequence FROM ${tables.rows("dropped_day", counting)}
     ORDER BY sequence, partition, day`,
  );
  return rows.map(droppedDayOfRow);
}

async function readTexts({ connection, tables }: Database, counting: string): Promise<DatedText[]> {
  const rows = await connection.rows(
    `SELECT dictionary, value, min((sequence, ordinal)) AS first FROM ${tables.rows("dictionary", counting)}
     GROUP BY dictionary, value ORDER BY dictionary, first`,
  );
  return rows.map(([dictionary, value, first]) => ({
    dictionary: dictionary as string,
    value: value as string,
    asOf: (first as unknown as readonly [number, number])[0],
  }));
}

async function tablesWithRows(
  { connection, tables }: Database,
  counting: string,
): Promise<ReadonlySet<string>> {
  const selects = tablesOfFacts.map(
    (table) =>
      `SELECT ${literal(table)} AS name FROM (SELECT 1 FROM ${tables.of(table)} WHERE ${counting} LIMIT 1)`,
  );
  const rows = await connection.rows(
    `SELECT DISTINCT name FROM ${tables.everywhere(selects.join(" UNION ALL "))}`,
  );
  return new Set(rows.map(([table]) => table as string));
}
