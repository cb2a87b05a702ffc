/** The order of commits as the database knows it, so that nobody has to read its log from the beginning. */

import { CodedError } from "../../model/errors.ts";
import type { OrderState } from "../../order/commit-order.ts";
import type { OrderReader, OrderSnapshot } from "../../order/order-reader.ts";
import { blockOfRows } from "./column-writer.ts";
import type { Connection } from "./connection.ts";
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

/** A record of the log has some 200 bytes; a start reads so many and some in tens of milliseconds. */
const recordsBetween = 1_000;

/** Of the log so many are kept behind that, some 20 MB: who has not read for longer than they took has to begin anew. */
const recordsKept = 100_000;

/** Writes the order down every so many records, and trims its log. */
export class OrderSnapshots {
  /** The first shard: it is small, and belongs to no partition. */
  private readonly connection: Connection;
  private readonly reader: OrderReader;
  private lastOffset: number;

  constructor({ shards }: Database, reader: OrderReader) {
    this.connection = shards[0]!;
    this.reader = reader;
    this.lastOffset = reader.nextOffset;
  }

  async writeNow(): Promise<void> {
    const { reader, lastOffset } = this;
    if (reader.nextOffset - lastOffset < recordsBetween) return;
    const { snapshot } = reader;
    await writeOrderSnapshot(this.connection, snapshot);
    this.lastOffset = snapshot.offset;
    await reader.log.trim(snapshot.offset - recordsKept);
  }
}

/** Those before the newest are forgotten. */
async function writeOrderSnapshot(
  connection: Connection,
  { offset, state }: OrderSnapshot,
): Promise<void> {
  const text = JSON.stringify({ v: formatVersion, ...state });
  await connection.insert(orderTable, blockOfRows(columns, [[offset, text]]));
  await connection.run(`DELETE FROM ${orderTable} WHERE log_offset < ${offset}`);
}
