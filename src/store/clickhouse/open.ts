/** Opens the database, and makes what is missing of it on each of its shards. */

import { randomUUID } from "node:crypto";
import { CodedError } from "../../model/errors.ts";
import { blockOfRows } from "./column-writer.ts";
import type { Connection, SqlRow } from "./connection.ts";
import { literal, quoted } from "./connection.ts";
import type { DatabaseOptions } from "./database.ts";
import { Database } from "./database.ts";
import { assertMoveFinished } from "./move-marks.ts";
import { createTable, formatVersion, tables } from "./schema.ts";
import { orderStateTable, orderTable } from "./order-snapshot.ts";

const metaTable = "meta";
const metaColumns = [
  { name: "name", type: "String" },
  { name: "value", type: "String" },
] as const;

const formatName = "format";
const idName = "id";
/** Which shard it is, of how many: where a partition's rows are for the life of the database. */
const shardName = "shard";
/** Not kept, but told of a cluster. */
const sizeName = "cluster size";

function clusterSizeToSql(cluster: string): string {
  return `SELECT ${literal(sizeName)}, toString(uniqExact(shard_num)) FROM system.clusters WHERE cluster = ${literal(cluster)}`;
}

/** Rejects with `data_format_newer` where a newer release has written it, with `invalid_configuration` where its shards are others. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  await using resources = new AsyncDisposableStack();
  const database = resources.use(await makeDatabase(options));
  if ((await readIds(database)).length === 0) await makeTables(database);
  resources.move();
  return database;
}

/** Where nothing was made yet it has a table `meta` without rows. */
export async function makeDatabase(options: DatabaseOptions): Promise<Database> {
  await using servers = await Database.connect({ ...options, database: "default" });
  await using resources = new AsyncDisposableStack();
  const database = resources.use(servers.other({ database: options.database }));
  if (!(await checkShards(database, servers))) {
    await runEach(
      servers,
      `CREATE DATABASE IF NOT EXISTS ${quoted(database.name)} ENGINE = Atomic`,
    );
    await runEach(database, createTable(metaTable, { columns: metaColumns, orderBy: "name" }));
  }
  resources.move();
  return database;
}

/** Of what another process has made. Rejects with `store_unavailable` until it is there; as openDatabase does otherwise. */
export async function findDatabase(options: DatabaseOptions): Promise<Database> {
  await using servers = await Database.connect({ ...options, database: "default" });
  await using resources = new AsyncDisposableStack();
  const database = resources.use(servers.other({ database: options.database }));
  if (!(await checkShards(database, servers))) throw notMade(database.name);
  if ((await readIds(database)).length === 0) throw notMade(database.name);
  resources.move();
  return database;
}

async function runEach({ shards }: Database, statement: string): Promise<void> {
  await Promise.all(shards.map((shard) => shard.run(statement)));
}

function notMade(database: string): CodedError {
  return new CodedError(
    "store_unavailable",
    `the database ${database} is not made yet: the process that counts makes it`,
  );
}

/**
 * Of its own for each database that was made, two where two have made it at a time; none where not all tables are made yet. It
 * is asked all the time, so each shard is asked by itself, which is cheap. Rejects with `move_unfinished` where it is no store yet.
 */
export async function readIds(database: Database): Promise<string[]> {
  const notes = await readMeta(database);
  for (const rows of notes)
    assertMoveFinished(
      database,
      rows.map(([name]) => name as string),
    );
  return idsOf(notes);
}

/** Of each shard, names and values. */
export async function readMeta(database: Database): Promise<(readonly SqlRow[])[]> {
  return await Promise.all(database.shards.map((shard) => readNotes(database, shard)));
}

/** See readIds. */
export function idsOf(meta: readonly (readonly SqlRow[])[]): string[] {
  const [first, ...others] = meta.map((rows) => valuesOf(rows, idName));
  // Written last: where each shard has it, all tables are.
  return first!.filter((id) => others.every((own) => own.includes(id)));
}

/** Names and values. Rejects where the shard knows the cluster for a larger or smaller one than it was. */
async function readNotes(
  { tables: { cluster }, name, shards }: Database,
  shard: Connection,
): Promise<readonly SqlRow[]> {
  const own = `SELECT name, value FROM ${quoted(name)}.${metaTable}`;
  const rows = await shard.rows(
    cluster === undefined
      ? `${own} ORDER BY value`
      : `SELECT * FROM (${own} UNION ALL ${clusterSizeToSql(cluster)}) ORDER BY value`,
  );
  checkFormat(name, rows);
  const size = valuesOf(rows, sizeName)[0];
  if (size !== undefined && size !== String(shards.length))
    throw new CodedError(
      "invalid_configuration",
      `the cluster ${cluster} has ${size} shards by now, where the database ${name} has ${shards.length}`,
      { field: "store.cluster" },
    );
  return rows;
}

/** Of rows of names and values. */
function valuesOf(rows: readonly SqlRow[], wanted: string): string[] {
  return rows.filter(([name]) => name === wanted).map(([, value]) => value as string);
}

function checkFormat(database: string, rows: readonly SqlRow[]): void {
  for (const found of valuesOf(rows, formatName).map(Number)) {
    const details = { field: "store.database", details: { found, known: formatVersion } };
    if (found > formatVersion)
      throw new CodedError(
        "data_format_newer",
        `the database ${database} has format ${found}, this release knows up to ${formatVersion}: use a newer release`,
        details,
      );
    if (found < formatVersion)
      throw new CodedError(
        "invalid_configuration",
        `the database ${database} has format ${found}, of a state before the first release: use another database`,
        details,
      );
  }
}

/** Touches nothing. False where it is not there on each of the servers. */
async function checkShards(database: Database, { shards }: Database): Promise<boolean> {
  const { name } = database;
  const found = await Promise.all(
    shards.map(async (shard, i) => {
      const [row] = await shard.rows(
        `SELECT count() FROM system.tables WHERE database = ${literal(name)} AND name = ${literal(metaTable)}`,
      );
      if (row![0] === 0) return false;
      const rows = await readNotes(database, shard);
      const expected = shardNote(i, shards.length);
      const other = valuesOf(rows, shardName).find((note) => note !== expected);
      if (other === undefined) return true;
      throw new CodedError(
        "invalid_configuration",
        `what ${shard.urls.join(", ")} has of the database ${name} is shard ${other}, by the settings it would be ${expected}: the shards of a database stay what they were when it was made`,
        { field: "store.cluster", details: { found: other, expected } },
      );
    }),
  );
  return found.every(Boolean);
}

function shardNote(shard: number, count: number): string {
  return `${shard + 1} of ${count}`;
}

/** `marks`: further rows of `meta`, there with the id. */
export async function makeTables(
  { shards }: Database,
  marks: readonly MetaRow[] = [],
): Promise<void> {
  const all = [...Object.entries(tables), [orderTable, orderStateTable] as const];
  await Promise.all(
    shards.map(async (shard) => {
      for (const [name, table] of all) await shard.run(createTable(name, table));
    }),
  );
  const id = randomUUID();
  await Promise.all(
    shards.map(async (shard, i) => {
      const rows = [
        [formatName, String(formatVersion)],
        [shardName, shardNote(i, shards.length)],
        [idName, id],
        ...marks,
      ];
      await shard.insert(metaTable, blockOfRows(metaColumns, rows));
    }),
  );
}

type MetaRow = readonly [name: string, value: string];

export async function addMeta({ shards }: Database, rows: readonly MetaRow[]): Promise<void> {
  for (const shard of shards) await shard.insert(metaTable, blockOfRows(metaColumns, rows));
}
