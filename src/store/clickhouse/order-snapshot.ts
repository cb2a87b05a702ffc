/** The order of commits as the database knows it, so that nobody has to read its log from the beginning. */

import { CodedError } from "../../model/errors.ts";
import type { OrderState } from "../../order/commit-order.ts";
import type { OrderSnapshot } from "../../order/order-reader.ts";
import { blockOfRows } from "./column-writer.ts";
import type { Database } from "./database.ts";
import type { Table } from "./schema.ts";

const formatVersion = 1;

const columns = [
  { name: "log_offset", type: "UInt64" },
  { name: "state", type: "String" },
] as const;

export const orderTable = "order_state";
export const orderStateTable: Table = { columns, orderBy: "log_offset" };

/** Undefined where none was written yet. */
export async function readOrderSnapshot({
  connection,
  tables,
}: Database): Promise<OrderSnapshot | undefined> {
  const [row] = await connection.rows(
    `SELECT log_offset, state FROM ${tables.rows(orderTable)} ORDER BY log_offset DESC LIMIT 1`,
  );
  if (!row) return undefined;
  const { v, ...state } = JSON.parse(row[1] as string) as OrderState & { readonly v: number };
  if (v !== formatVersion)
    throw new CodedError(
      "data_format_newer",
      `the database ${tables.database} has an order of commits of format ${v}, this release knows ${formatVersion}`,
    );
  return { offset: row[0] as number, state };
}

/** On the first shard: it is small, and belongs to no partition. Those before the newest are forgotten. */
export async function writeOrderSnapshot(
  { shards }: Database,
  { offset, state }: OrderSnapshot,
): Promise<void> {
  const text = JSON.stringify({ v: formatVersion, ...state });
  const connection = shards[0]!;
  await connection.insert(orderTable, blockOfRows(columns, [[offset, text]]));
  await connection.run(`DELETE FROM ${orderTable} WHERE log_offset < ${offset}`);
}
