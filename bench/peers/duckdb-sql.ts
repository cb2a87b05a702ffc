/** The tables of DuckDB as a peer, and how clicks get into them from files. */

export const schema = [
  `CREATE TABLE clicks (event_id UUID, ad_id VARCHAR, click_timestamp TIMESTAMP, country VARCHAR, device VARCHAR,
     user_id VARCHAR, ip VARCHAR)`,
  "CREATE TABLE minutes (minute TIMESTAMP, ad_id VARCHAR, country VARCHAR, device VARCHAR, clicks UINTEGER)",
];

export type FileFormat = "ndjson" | "csv" | "parquet";

/** Reads the files once, into a table of its own. */
export function batchOf(format: FileFormat, paths: readonly string[]): string {
  const files = `[${paths.map((path) => `'${path}'`).join(", ")}]`;
  return `CREATE OR REPLACE TEMP TABLE batch AS SELECT event_id::UUID AS event_id, ad_id,
    click_timestamp::TIMESTAMP AS click_timestamp, country, device, user_id, ip FROM ${readerOf(format, files)}`;
}

/** What was read, and how often each ad was clicked in each minute. */
export const addBatch = [
  "INSERT INTO clicks FROM batch",
  `INSERT INTO minutes SELECT date_trunc('minute', click_timestamp), ad_id, country, device, count(*)
   FROM batch GROUP BY ALL`,
];

function readerOf(format: FileFormat, files: string): string {
  const columns = `columns = {event_id: 'VARCHAR', ad_id: 'VARCHAR', click_timestamp: 'VARCHAR', country: 'VARCHAR',
    device: 'VARCHAR', user_id: 'VARCHAR', ip: 'VARCHAR'}`;
  if (format === "ndjson") return `read_json(${files}, format = 'newline_delimited', ${columns})`;
  return format === "csv"
    ? `read_csv(${files}, header = true, ${columns})`
    : `read_parquet(${files})`;
}
