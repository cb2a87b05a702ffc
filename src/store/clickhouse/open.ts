/** Opens the database, and makes what is missing of it. */

import { randomUUID } from "node:crypto";
import { CodedError } from "../../model/errors.ts";
import { blockOfRows } from "./column-writer.ts";
import type { ClickHouseOptions } from "./connection.ts";
import { Connection, literal, quoted } from "./connection.ts";
import { assertMoveFinished } from "./move-marks.ts";
import { createTable, formatVersion, tables } from "./schema.ts";
import { orderStateTable } from "./order-snapshot.ts";

const metaColumns = [
  { name: "name", type: "String" },
  { name: "value", type: "String" },
] as const;

const formatName = "format";
const idName = "id";

/** Rejects with `data_format_newer` where a newer release has written it. */
export async function openDatabase(options: ClickHouseOptions): Promise<Connection> {
  await using resources = new AsyncDisposableStack();
  const connection = resources.use(await makeDatabase(options));
  if ((await readIds(connection)).length === 0) await makeTables(connection);
  resources.move();
  return connection;
}

/** Where nothing was made yet it has a table `meta` without rows. */
export async function makeDatabase(options: ClickHouseOptions): Promise<Connection> {
  {
    await using server = new Connection({ ...options, database: "default" });
    const database = quoted(options.database);
    await server.run(`CREATE DATABASE IF NOT EXISTS ${database} ENGINE = Atomic`);
  }
  await using resources = new AsyncDisposableStack();
  const connection = resources.use(new Connection(options));
  await connection.run(createTable("meta", { columns: metaColumns, orderBy: "name" }));
  resources.move();
  return connection;
}

/** Of what another process has made. Rejects with `store_unavailable` until it is there. */
export async function findDatabase(options: ClickHouseOptions): Promise<Connection> {
  const { database } = options;
  {
    await using server = new Connection({ ...options, database: "default" });
    const [found] = await server.rows(
      `SELECT count() FROM system.tables WHERE database = ${literal(database)} AND name = 'meta'`,
    );
    if (found![0] === 0) throw notMade(database);
  }
  await using resources = new AsyncDisposableStack();
  const connection = resources.use(new Connection(options));
  if ((await readIds(connection)).length === 0) throw notMade(database);
  resources.move();
  return connection;
}

function notMade(database: string): CodedError {
  return new CodedError(
    "store_unavailable",
    `the database ${database} is not made yet: the process that counts makes it`,
  );
}

/**
 * Of its own for each database that was made, two where two have made it at a time; none where not all tables are made yet.
 * Rejects with `move_unfinished` where it is no store yet.
 */
export async function readIds(connection: Connection): Promise<string[]> {
  const rows = await readMeta(connection);
  assertMoveFinished(
    connection,
    rows.map(([name]) => name),
  );
  return idsOf(connection, rows);
}

type MetaRow = readonly [name: string, value: string];

export async function readMeta(connection: Connection): Promise<readonly MetaRow[]> {
  return (await connection.rows(
    "SELECT name, value FROM meta ORDER BY value",
  )) as unknown as MetaRow[];
}

/** See readIds. */
export function idsOf(connection: Connection, rows: readonly MetaRow[]): string[] {
  const valuesOf = (wanted: string): string[] =>
    rows.filter(([name]) => name === wanted).map(([, value]) => value);
  const found = Number(valuesOf(formatName)[0] ?? formatVersion);
  if (found > formatVersion)
    throw new CodedError(
      "data_format_newer",
      `the database ${connection.database} has format ${found}, this release knows up to ${formatVersion}: use a newer release`,
      { field: "store.database", details: { found, known: formatVersion } },
    );
  if (found < formatVersion)
    throw new CodedError(
      "invalid_configuration",
      `the database ${connection.database} has format ${found}, of a state before the first release: use another database`,
      { field: "store.database", details: { found, known: formatVersion } },
    );
  // Written last: where it is, all tables are.
  return valuesOf(idName);
}

/** `marks`: further rows of `meta`, there with the id. */
export async function makeTables(
  connection: Connection,
  marks: readonly MetaRow[] = [],
): Promise<void> {
  for (const [name, table] of Object.entries(tables))
    await connection.run(createTable(name, table));
  await connection.run(createTable("order_state", orderStateTable));
  const own: MetaRow[] = [
    [formatName, String(formatVersion)],
    [idName, randomUUID()],
  ];
  await addMeta(connection, [...own, ...marks]);
}

export async function addMeta(connection: Connection, rows: readonly MetaRow[]): Promise<void> {
  await connection.insert("meta", blockOfRows(metaColumns, rows));
}
