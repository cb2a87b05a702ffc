import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

/**
 * Bytes of the blocks that hold raw clicks and minutes in the store of a stopped service. A block that several tables share is
 * shared out equally among them.
 */
export async function storeBytesOf(
  dataDir: string,
): Promise<{ readonly raw: number; readonly minutes: number }> {
  const instance = await DuckDBInstance.create(join(dataDir, "store.duckdb"), {
    access_mode: "READ_ONLY",
  });
  try {
    const connection = await instance.connect();
    const ask = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
    const blockBytes = Number((await ask("SELECT block_size FROM pragma_database_size()"))[0]![0]);
    const tables = (await ask("SELECT table_name FROM duckdb_tables()")).map(([name]) =>
      String(name),
    );
    const usersOf = new Map<string, Set<string>>();
    for (const table of tables) {
      const blocks = await ask(
        `SELECT DISTINCT block FROM (SELECT unnest(list_append(additional_block_ids, block_id)) AS block
         FROM pragma_storage_info('${table}')) WHERE block >= 0`,
      );
      for (const [block] of blocks) {
        const users = usersOf.get(String(block)) ?? new Set();
        usersOf.set(String(block), users.add(table));
      }
    }
    let raw = 0;
    let minutes = 0;
    for (const users of usersOf.values()) {
      const share = blockBytes / users.size;
      for (const table of users) {
        if (table.startsWith("raw_")) raw += share;
        else if (table.startsWith("minute")) minutes += share;
      }
    }
    return { raw, minutes };
  } finally {
    instance.closeSync();
  }
}
