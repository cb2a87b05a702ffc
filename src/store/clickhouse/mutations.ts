/**
 * Changes of rows that are there. ClickHouse makes them in the background, a part after the other, over restarts too, and may
 * need hours: so they are begun, and asked after until they are done. Whoever asks for one again, since an answer was lost or a
 * server went away, goes on to wait for the one that is there.
 */

import { createHash } from "node:crypto";
import { setTimeout as timeout } from "node:timers/promises";
import { CodedError } from "../../model/errors.ts";
import type { Connection } from "./connection.ts";
import { literal } from "./connection.ts";

export interface Change {
  readonly table: string;
  /** `UPDATE …` of a column, or `DELETE`. */
  readonly what: string;
  /** Of the rows. */
  readonly where: string;
}

/** Between two looks, from the first to all later ones. */
const lookDelays = { msMin: 10, msMax: 1_000 } as const;

/** Resolves once no row has to be changed any more. Rejects where it fails; it goes on to be tried, and may be asked for again. */
export async function change(connection: Connection, wanted: Change): Promise<void> {
  const mark = markOf(wanted);
  if (!(await find(connection, wanted.table, mark))) {
    const { table, what, where } = wanted;
    const sql = `ALTER TABLE ${table} ${what} WHERE (${where}) AND ${literal(mark)} != ''`;
    await connection.run(sql, { mutations_sync: "0" });
  }
  for (let waitMs: number = lookDelays.msMin; ; waitMs = Math.min(2 * waitMs, lookDelays.msMax)) {
    const found = await find(connection, wanted.table, mark);
    if (!found) throw failed(wanted, "it was taken back");
    if (found.isDone) return;
    if (found.failure !== "") throw failed(wanted, found.failure);
    await timeout(waitMs);
  }
}

/** On each shard: an ad's rows may be on any. */
export async function changeEach(shards: readonly Connection[], wanted: Change): Promise<void> {
  await Promise.all(shards.map((shard) => change(shard, wanted)));
}

/** Is found again in what ClickHouse tells of a mutation. */
function markOf({ table, what, where }: Change): string {
  const hash = createHash("sha256").update(`${table}\n${what}\n${where}`);
  return `change ${hash.digest("hex")}`;
}

interface Mutation {
  readonly isDone: boolean;
  /** Empty where it has not failed, or goes on well since. */
  readonly failure: string;
}

/** One that concerns all rows that are there: parts are numbered as they are inserted, and mutations among them. */
async function find(
  connection: Connection,
  table: string,
  mark: string,
): Promise<Mutation | undefined> {
  const own = `database = currentDatabase() AND table = ${literal(table)}`;
  const [row] = await connection.rows(
    `SELECT is_done, latest_fail_reason FROM system.mutations
     WHERE ${own} AND NOT is_killed AND position(command, ${literal(mark)}) > 0
       AND arrayMax(block_numbers.number) >=
         (SELECT max(max_block_number) FROM system.parts WHERE ${own} AND active)
     ORDER BY create_time DESC LIMIT 1`,
  );
  if (!row) return undefined;
  return { isDone: row[0] === 1, failure: row[1] as string };
}

function failed({ table, what }: Change, reason: string): CodedError {
  return new CodedError("storage_failed", `ClickHouse can't change rows of ${table}: ${reason}`, {
    details: { change: what },
  });
}
