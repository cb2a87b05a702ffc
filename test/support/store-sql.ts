import { DuckDBInstance } from "@duckdb/node-api";

/** Does to the store of a stopped service what no service does. */
export async function changeStore(path: string, statements: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  await connection.run("CHECKPOINT");
  connection.closeSync();
  instance.closeSync();
}

/** Adds to the count of every minute row. */
export async function addToMinuteCounts(path: string, clicks: number): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  const tables = await connection.runAndReadAll(
    "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'minute%'",
  );
  connection.closeSync();
  instance.closeSync();
  const updates = tables
    .getRowsJS()
    .map(([table]) => `UPDATE "${String(table)}" SET clicks = clicks + (${clicks})`);
  await changeStore(path, updates);
}
