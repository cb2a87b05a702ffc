/** Takes over the data of earlier releases. Each step leads from one format to the next, all in one transaction. */

import { outcomeNames } from "../../model/outcome.ts";
import { transaction } from "./compact.ts";
import type { Connection } from "./connection.ts";
import { createTable, fixedTables, formatVersion } from "./schema.ts";

/** `found`: the store's format, lower than `formatVersion`. */
export async function upgradeFrom(found: number, connection: Connection): Promise<void> {
  await transaction(connection, async () => {
    for (let format = found; format < formatVersion; format++) {
      for (const statement of steps[format]!) await connection.run(statement);
    }
    await connection.run(
      `UPDATE meta SET "value" = '${formatVersion}' WHERE "name" = 'format_version'`,
    );
  });
}

/** By the format that they lead on from. */
const steps: Readonly<Record<number, readonly string[]>> = {
  // Format 1 took what was received for the sum of the outcomes.
  1: [
    "ALTER TABLE ledger ADD COLUMN received BIGINT",
    `UPDATE ledger SET received = ${outcomeNames.join(" + ")}`,
  ],
  2: ["outcome_change", "closed_period", "operation", "layout_change", "dropped_day"].map((name) =>
    createTable(name, fixedTables[name]!),
  ),
};
