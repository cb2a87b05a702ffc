/** Rows of `meta` that tell that a database is being moved into, or was. */

import { CodedError } from "../../model/errors.ts";
import type { MovePlan } from "../store-moves.ts";
import type { Database } from "./database.ts";

/** The plan of the move, as JSON; of several the last try's counts. */
export const movingName = "moving";
/** Written once the move is finished. */
export const movedName = "moved";

export interface MoveMark extends MovePlan {
  /** Counts those that had to begin anew. */
  readonly tries: number;
}

/** Undefined where nothing was moved into it. */
export async function readMove({
  shards,
}: Database): Promise<(MoveMark & { readonly isFinished: boolean }) | undefined> {
  const rows = (await shards[0]!.rows(
    `SELECT name, value FROM meta WHERE name IN ('${movingName}', '${movedName}')`,
  )) as unknown as [string, string][];
  const [last] = rows
    .filter(([name]) => name === movingName)
    .map(([, value]) => JSON.parse(value) as MoveMark)
    .toSorted((a, b) => b.tries - a.tries);
  return last && { ...last, isFinished: rows.some(([name]) => name === movedName) };
}

/** Throws `move_unfinished` where `names`, of rows of `meta`, tell that a move has not come to its end. */
export function assertMoveFinished({ name: database }: Database, names: readonly string[]): void {
  if (!names.includes(movingName) || names.includes(movedName)) return;
  throw new CodedError(
    "move_unfinished",
    `a data directory is being moved into the database ${database}, which is not finished: run \`clicktally migrate\` again`,
    { field: "store.database" },
  );
}
