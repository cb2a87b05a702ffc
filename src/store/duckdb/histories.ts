/** Where the store's histories begin: rows of `meta`, each written with the first commit after an opening. */

import { randomBytes } from "node:crypto";
import type { HistoryStart } from "../changes.ts";
import type { Connection } from "./connection.ts";

const metaName = "history";

export function newHistoryId(): string {
  return randomBytes(6).toString("hex");
}

export function metaRowOf({ firstSequence, id }: HistoryStart): [string, string] {
  return [metaName, `${firstSequence} ${id}`];
}

export async function readHistories(connection: Connection): Promise<HistoryStart[]> {
  const rows = await connection.rows(`SELECT "value" FROM meta WHERE "name" = '${metaName}'`);
  return rows
    .map(([value]) => {
      const [firstSequence, id] = (value as string).split(" ");
      return { firstSequence: Number(firstSequence), id: id! };
    })
    .toSorted((a, b) => a.firstSequence - b.firstSequence);
}
