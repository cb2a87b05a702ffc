/** Columns of dimensions: added with the first commit that has any value of them. */

import type { Commit } from "../../model/commit.ts";
import { literal } from "./connection.ts";
import type { Database } from "./database.ts";
import { columnOf } from "./filter-sql.ts";
import type { DimensionTable } from "./schema.ts";
import { dimensionTables } from "./schema.ts";
import type { StoreState } from "./state.ts";
import { addressComment } from "./state.ts";

/** The names by table, and which of those of clicks have addresses. */
export interface DimensionNames extends Readonly<Record<DimensionTable, readonly string[]>> {
  readonly addresses: Iterable<string>;
}

export async function addColumns(
  database: Database,
  state: StoreState,
  { clicks, minutes }: Commit,
): Promise<void> {
  const dimensions = clicks.flatMap(({ batch }) => batch.dimensions);
  const addresses = dimensions.filter(({ column }) => column.type === "ip");
  await addColumnsOf(database, state, {
    click: dimensions.map(({ name }) => name),
    minute_count: [...minutes.dimensionKeys.keys()],
    addresses: new Set(addresses.map(({ name }) => name)),
  });
}

export async function addColumnsOf(
  { shards }: Database,
  state: Pick<StoreState, "columns" | "addresses">,
  { addresses, ...names }: DimensionNames,
): Promise<void> {
  const runEach = (sql: string) => Promise.all(shards.map((shard) => shard.run(sql)));
  for (const table of Object.keys(dimensionTables) as DimensionTable[]) {
    for (const name of new Set(names[table])) {
      if (state.columns[table].has(name)) continue;
      await runEach(
        `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${columnOf(name)} ${dimensionTables[table]}`,
      );
      state.columns[table].add(name);
    }
  }
  for (const name of addresses) {
    if (state.addresses.has(name)) continue;
    await runEach(`ALTER TABLE click COMMENT COLUMN ${columnOf(name)} ${literal(addressComment)}`);
    state.addresses.add(name);
  }
}
