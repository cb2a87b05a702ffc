/** Where the store's histories begin: rows of `meta`, each written with its first commit. */

import type { HistoryStart } from "../changes.ts";
import type { Connection } from "./connection.ts";

const metaName = "history";

const startsOverMark = "starts-over";

export function metaRowOf({ firstSequence, id, startsOver }: HistoryStart): [string, string] {
  return [metaName, [firstSequence, id, ...(startsOver ? [startsOverMark] : [])].join(" ")];
}

export async function readHistories(connection: Connection): Promise<HistoryStart[]> {
  const rows = await connection.rows(`SELECT "value" FROM meta WHERE "name" = '${metaName}'`);
  return rows
    .map(([value]) => {
      const [firstSequence, id, mark] = (value as string).split(" ");
      return { firstSequence: Number(firstSequence), id: id!, startsOver: mark === startsOverMark };
    })
    .toSorted((a, b) => a.firstSequence - b.firstSequence);
}
