/**
 * Clicks go the way ClickHouse's users go: JSONEachRow over HTTP into a MergeTree, with a materialized view that keeps counts
 * a minute in a SummingMergeTree. It removes no duplicates and, by its defaults, does not sync what it acknowledges.
 */
import { ClickHouseServer } from "../../test/support/clickhouse-server.ts";

const schema = [
  `CREATE DATABASE bench ENGINE = Atomic`,
  `CREATE TABLE bench.clicks (event_id UUID, ad_id String, click_timestamp DateTime64(3, 'UTC'),
     country LowCardinality(String), device LowCardinality(String), user_id String, ip IPv4)
   ENGINE = MergeTree ORDER BY (ad_id, click_timestamp)`,
  `CREATE TABLE bench.minutes (minute DateTime('UTC'), ad_id String,
     country LowCardinality(String), device LowCardinality(String), clicks UInt64)
   ENGINE = SummingMergeTree ORDER BY (minute, ad_id, country, device)`,
  `CREATE MATERIALIZED VIEW bench.to_minutes TO bench.minutes AS
   SELECT toStartOfMinute(click_timestamp) AS minute, ad_id, country, device, count() AS clicks
   FROM bench.clicks GROUP BY minute, ad_id, country, device`,
];

export class ClickHouse implements AsyncDisposable {
  private readonly server: ClickHouseServer;

  private constructor(server: ClickHouseServer) {
    this.server = server;
  }

  static async start(): Promise<ClickHouse> {
    const server = await ClickHouseServer.start();
    try {
      for (const statement of schema) await server.query(statement);
      return new ClickHouse(server);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get url(): string {
    return this.server.url;
  }

  get pid(): number {
    return this.server.pid;
  }

  /** Where NDJSON bodies are posted to. */
  get insertUrl(): string {
    const query = encodeURIComponent("INSERT INTO bench.clicks FORMAT JSONEachRow");
    return `${this.url}/?date_time_input_format=best_effort&query=${query}`;
  }

  /** The same, gathered by the server until a part is worth it; it answers once the part is written. */
  get asyncInsertUrl(): string {
    return `${this.insertUrl}&async_insert=1&wait_for_async_insert=1`;
  }

  query(sql: string): Promise<string> {
    return this.server.query(sql);
  }

  /** Bytes on disk of both tables, merged as far as they go. */
  async mergedBytes(): Promise<number> {
    for (const table of ["clicks", "minutes"])
      await this.query(`OPTIMIZE TABLE bench.${table} FINAL`);
    return Number(
      await this.query(
        "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'bench'",
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}
