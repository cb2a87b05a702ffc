/**
 * Who may commit. ClickHouse has no transactions over tables, and an insert that was given up may still arrive: so every
 * row names the tenure (epoch) that wrote it, and a commit counts where its tenure's row of `commit_log` is there and no later
 * tenure began at or before it. A tenure begins by a claim, then looks which commits are through, then says with which one it
 * goes on. Whatever an earlier one still writes from there on is void, in whole or in part; nothing has to be deleted, and
 * no row is ever counted twice.
 *
 * Whoever claims gives up all earlier claims that have not begun, so that none of them can begin late.
 *
 * Whoever commits looks for a later claim after its row of `commit_log` and before it calls the commit done: one that was
 * overtaken notices, before anything is trimmed from the queue.
 */

import { CodedError } from "../../model/errors.ts";
import type { Connection } from "./connection.ts";
import { literal } from "./connection.ts";
import { blockOfRows } from "./column-writer.ts";
import type { Column } from "./schema.ts";

/** Rows of a claim have 0 as first_sequence. */
export const tenureColumns: readonly Column[] = [
  { name: "epoch", type: "UInt32" },
  { name: "owner", type: "String" },
  { name: "first_sequence", type: "UInt64" },
];

/** Commits of an epoch that count: those up to this one. */
export interface Tenure {
  readonly epoch: number;
  readonly lastSequence: number;
}

/** Ascending in both; those without a commit that counts are left out. */
export async function readTenures(connection: Connection): Promise<Tenure[]> {
  return await countingTenures(connection, await readBegun(connection), []);
}

/**
 * For who does not commit: undefined while somebody has claimed an epoch and not said yet with which commit it goes on, since
 * what is through at this moment may be void by that. What is told here stays: who claims later finds it through.
 * `known`: what was told before.
 */
export async function readSettledTenures(
  connection: Connection,
  known: readonly Tenure[],
): Promise<Tenure[] | undefined> {
  const begun = await readBegun(connection);
  const last = known.at(-1);
  if (last && begun.some((own) => own.epoch > last.epoch && own.firstSequence <= last.lastSequence))
    throw new CodedError(
      "data_corrupt",
      `the database ${connection.database} has gone back behind commit ${last.lastSequence}, which was told`,
    );
  const tenures = await countingTenures(connection, begun, known);
  // After the commits were looked for: no claim can have been between them and this.
  const [claimed] = await connection.rows("SELECT max(epoch) FROM tenure");
  return claimed![0] === (begun.at(-1)?.epoch ?? 0) ? tenures : undefined;
}

interface BegunTenure {
  readonly epoch: number;
  readonly firstSequence: number;
}

async function readBegun(connection: Connection): Promise<BegunTenure[]> {
  const rows = await connection.rows(
    `SELECT epoch, max(first_sequence) AS first FROM tenure GROUP BY epoch HAVING first > 0 ORDER BY epoch`,
  );
  return rows.map(([epoch, first]) => ({
    epoch: epoch as number,
    firstSequence: first as number,
  }));
}

async function countingTenures(
  connection: Connection,
  begun: readonly BegunTenure[],
  known: readonly Tenure[],
): Promise<Tenure[]> {
  if (begun.length === 0) return [];
  let end = endless;
  const ends = begun.toReversed().map(({ firstSequence }) => {
    const own = end;
    end = Math.min(end, firstSequence);
    return own;
  });
  ends.reverse();
  const epochs = begun.map(({ epoch }) => epoch);
  // A tenure writes one stroke after the other, none before the one before it was through; the rows of a stroke are one part.
  const committed = await connection.rows(
    `SELECT epoch, max(sequence) FROM commit_log WHERE sequence > ${known.at(-1)?.lastSequence ?? 0}
       AND sequence < transform(epoch, [${epochs.join(", ")}], [${ends.join(", ")}], 0)
     GROUP BY epoch ORDER BY epoch`,
  );
  const lasts = new Map(known.map(({ epoch, lastSequence }) => [epoch, lastSequence]));
  for (const [epoch, last] of committed) lasts.set(epoch as number, last as number);
  return [...lasts].map(([epoch, lastSequence]) => ({ epoch, lastSequence }));
}

const endless = Number.MAX_SAFE_INTEGER;

/** Begins a tenure after those that are through; resolves with its epoch and with them. `owner`: of this process. */
export async function beginTenure(
  connection: Connection,
  owner: string,
): Promise<{ readonly epoch: number; readonly before: readonly Tenure[] }> {
  const epoch = await claim(connection, owner);
  await giveUpEarlierClaims(connection, epoch, owner);
  const before = await readTenures(connection);
  const first = (before.at(-1)?.lastSequence ?? 0) + 1;
  await connection.insert("tenure", blockOfRows(tenureColumns, [[epoch, owner, first]]));
  await assertNotOvertaken(connection, epoch, owner);
  return { epoch, before };
}

/**
 * Who has claimed an earlier epoch and not said yet with which commit it goes on is given up for good: said later, it would make
 * void what others have counted on. Its word may have come just before this, which whoever reads the tenures afterwards sees;
 * one that comes after this is ignored, and who said it finds that it was overtaken.
 */
async function giveUpEarlierClaims(
  connection: Connection,
  epoch: number,
  owner: string,
): Promise<void> {
  const claims = await connection.rows(
    `SELECT epoch FROM tenure WHERE epoch < ${epoch} GROUP BY epoch HAVING max(first_sequence) = 0`,
  );
  if (claims.length === 0) return;
  const rows = claims.map(([claimed]) => [claimed as number, owner, endless]);
  await connection.insert("tenure", blockOfRows(tenureColumns, rows));
}

/** Two that claim one epoch at a time both see it and try the next. */
async function claim(connection: Connection, owner: string): Promise<number> {
  for (;;) {
    const [row] = await connection.rows("SELECT max(epoch) FROM tenure");
    const epoch = (row![0] as number) + 1;
    await connection.insert("tenure", blockOfRows(tenureColumns, [[epoch, owner, 0]]));
    const [others] = await connection.rows(
      `SELECT count() FROM tenure WHERE epoch = ${epoch} AND owner != ${literal(owner)}`,
    );
    if (others![0] === 0) return epoch;
  }
}

export async function assertNotOvertaken(
  connection: Connection,
  epoch: number,
  owner: string,
): Promise<void> {
  const [row] = await connection.rows(
    `SELECT max(epoch) FROM tenure WHERE owner != ${literal(owner)}`,
  );
  if ((row![0] as number) < epoch) return;
  throw takenOver(connection, { epoch, by: row![0] });
}

export function takenOver(
  { database }: Connection,
  details: Readonly<Record<string, unknown>>,
): CodedError {
  return new CodedError(
    "store_taken_over",
    `another process commits to the database ${database} by now`,
    { details },
  );
}

/** True for the rows of these commits, up to `sequence`. */
export function countingToSql(tenures: readonly Tenure[], sequence: number): string {
  const counting = tenures.map(({ epoch, lastSequence }) => ({
    epoch,
    last: Math.min(lastSequence, sequence),
  }));
  if (counting.length === 0) return "0";
  if (counting.length === 1) {
    const { epoch, last } = counting[0]!;
    return `(epoch = ${epoch} AND sequence <= ${last})`;
  }
  const epochs = counting.map(({ epoch }) => epoch).join(", ");
  const lasts = counting.map(({ last }) => last).join(", ");
  return `(sequence <= transform(epoch, [${epochs}], [${lasts}], 0))`;
}
