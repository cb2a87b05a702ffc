/** Of the work that clicktally does with a click, what each peer does not: read its figures with it. */

const noBooks = "nothing says which clicks were late, and no ledger what became of each";

export const lacks = {
  ClickHouse: `removes no duplicates; by its defaults answers before its files are synced; ${noBooks}`,
  "ClickHouse, async inserts":
    "as ClickHouse; the server gathers bodies and answers once their part is written (`wait_for_async_insert`)",
  DuckDB: `removes no duplicates; its minutes are rows by commit, never merged; synced; ${noBooks}`,
  PostgreSQL: `removes duplicates, by a unique index over all it keeps; synced; ${noBooks}`,
  "Redis, everysec": `keeps identities for a day and counts by minute, all in memory, and no clicks: nothing can be recounted, or asked by user; counts are lost where a client dies between its two pipelines, and a second of them with the power; ${noBooks}`,
  "Redis, always": "as Redis, everysec, but synced before each answer",
} as const;

export type PeerName = keyof typeof lacks;
