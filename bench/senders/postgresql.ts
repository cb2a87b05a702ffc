import { once } from "node:events";
import postgres from "postgres";
import { timeText } from "../workload.ts";
import type { WorkloadClick } from "../workload.ts";
import type { Connection, Sender } from "./sender.ts";

export const connectionOptions = { host: "127.0.0.1", user: "bench", database: "postgres", max: 1 };

/**
 * Rows go into a temporary table, new ones of them into `clicks`, and what is new there is added to the minutes. Always in the
 * order of the keys: two transactions that lock the same rows in another order would be a deadlock.
 */
const count = `
  WITH added AS (
    INSERT INTO clicks SELECT * FROM batch ORDER BY ad_id, event_id
    ON CONFLICT DO NOTHING RETURNING click_timestamp, ad_id, country, device)
  INSERT INTO minutes AS held
  SELECT date_trunc('minute', click_timestamp, 'UTC'), ad_id, country, device, count(*) FROM added
  GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
  ON CONFLICT (minute, ad_id, country, device) DO UPDATE SET clicks = held.clicks + excluded.clicks`;

/** One transaction a body: COPY, upsert, COMMIT, which returns once the log is synced. */
export class PostgresqlSender implements Sender<Buffer> {
  private readonly port: number;
  private readonly open: postgres.Sql[] = [];

  constructor(port: number) {
    this.port = port;
  }

  /** Rows as COPY takes them. */
  encode(clicks: readonly WorkloadClick[]): Buffer {
    let text = "";
    for (const { event_id, ad_id, timeMs, country, device, user_id, ip } of clicks)
      text += `${event_id}\t${ad_id}\t${timeText(timeMs)}\t${country}\t${device}\t${user_id}\t${ip}\n`;
    return Buffer.from(text, "latin1");
  }

  async connect(): Promise<Connection<Buffer>> {
    const sql = postgres({ ...connectionOptions, port: this.port });
    this.open.push(sql);
    await sql`CREATE TEMPORARY TABLE batch (LIKE clicks) ON COMMIT DELETE ROWS`;
    return {
      send: async (body) => {
        await sql.begin(async (transaction) => {
          const rows = await transaction`COPY batch FROM STDIN`.writable();
          rows.end(body);
          await once(rows, "finish");
          await transaction.unsafe(count);
        });
        return true;
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.open.map((sql) => sql.end()));
  }
}
