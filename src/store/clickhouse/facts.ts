/** What commits have brought of the small things that the store keeps in memory. */

import type { DictionaryGrowth } from "../../model/commit.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import type { RecordedClose, RecordedDroppedDay, RecordedLayoutChange } from "../click-store.ts";
import { closeOfRow, droppedDayOfRow, layoutChangeOfRow } from "../row-shapes.ts";
import type { HistoryStart } from "../changes.ts";
import type { Connection, SqlRow } from "./connection.ts";
import { literal } from "./connection.ts";
import type { FactTable } from "./schema.ts";

export interface DatedConfig {
  readonly asOf: number;
  readonly config: SemanticConfig;
}

/** Each in the order of the commits. */
export interface Facts {
  readonly growths: readonly (DictionaryGrowth & { readonly asOf: number })[];
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
export async function readFacts(connection: Connection, counting: string): Promise<Facts> {
  const news = await tablesWithRows(connection, counting);
  const rowsOf = async (
    table: FactTable,
    columns: string,
    order: string,
  ): Promise<readonly SqlRow[]> => {
    if (!news.has(table)) return [];
    return await connection.rows(
      `SELECT ${columns} FROM ${table} WHERE ${counting} ORDER BY ${order}`,
    );
  };
  const values = await rowsOf("dictionary", "dictionary, key, value, sequence", "dictionary, key");
  const configs = await rowsOf("config", "sequence, settings", "generation");
  const closes = await rowsOf(
    "closed_period",
    "id, through_minute, zone, partition, received_at, sequence",
    "sequence",
  );
  const layoutChanges = await rowsOf(
    "layout_change",
    "id, partition, from_minute, to_minute, dimensions, sequence",
    "sequence, from_minute",
  );
  const droppedDays = await rowsOf(
    "dropped_day",
    "partition, day, what, received_day, sequence",
    "sequence, partition, day",
  );
  const histories = await rowsOf("history", "sequence, id, starts_over", "sequence");
  return {
    growths: values.map(([dictionary, key, value, asOf]) => ({
      dictionary: dictionary as string,
      firstKey: key as number,
      values: [value as string],
      asOf: asOf as number,
    })),
    configs: configs.map(([asOf, settings]) => ({
      asOf: asOf as number,
      config: JSON.parse(settings as string) as SemanticConfig,
    })),
    closes: closes.map(closeOfRow),
    layoutChanges: layoutChanges.map(layoutChangeOfRow),
    droppedDays: droppedDays.map(droppedDayOfRow),
    histories: histories.map(([first, id, startsOver]) => ({
      firstSequence: first as number,
      id: id as string,
      startsOver: startsOver === 1,
    })),
    hasOutcomeChanges: news.has("outcome_change"),
  };
}

async function tablesWithRows(
  connection: Connection,
  counting: string,
): Promise<ReadonlySet<string>> {
  const selects = tablesOfFacts.map(
    (table) => `SELECT ${literal(table)} FROM (SELECT 1 FROM ${table} WHERE ${counting} LIMIT 1)`,
  );
  const rows = await connection.rows(selects.join(" UNION ALL "));
  return new Set(rows.map(([table]) => table as string));
}
