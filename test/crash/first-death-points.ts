import type { DeathPoint } from "./death-point.ts";
import { point } from "./death-point.ts";

const storeEngine = "src/store/duckdb/engine.ts";

/** While a data directory is being made. */
export const firstDeathPoints: readonly DeathPoint[] = [
  point(
    "a directory has a secret, no format",
    "src/data-directory.ts",
    "before",
    '  await writeFileDurably(\n    join(path, "format.json"),',
  ),
  point(
    "a directory is made, no queue is",
    "src/queue/sqlite/schema.ts",
    "before",
    "    if (!existing) create(database, partitionCount);",
  ),
  point(
    "a queue is written, before its COMMIT",
    "src/queue/sqlite/schema.ts",
    "before",
    "  database.exec(\n    `PRAGMA application_id",
  ),
  point(
    "the first settings are written down, no log knows them",
    "src/config/config-log.ts",
    "before",
    '  await append({ type: "config"',
  ),
  point(
    "a store is open, nothing is in it",
    storeEngine,
    "before",
    '  await connection.run(statements.join(";"));',
  ),
  point(
    "a store's tables are being made",
    storeEngine,
    "soon",
    '  await connection.run(statements.join(";"));',
  ),
  point(
    "a store is made, nothing is recovered",
    storeEngine,
    "after",
    '  await connection.run(statements.join(";"));',
  ),
];
