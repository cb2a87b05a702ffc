/** Who is asked the same questions about the same clicks. */
import { minuteMs } from "../src/model/time.ts";
import { ClickBatchBuilder } from "../src/model/click-batch-builder.ts";
import { encodeClickBatch } from "../src/model/click-batch-codec.ts";
import { defaultDimensions } from "../src/model/dimensions.ts";
import type { CountAnswer, TopAnswer } from "../src/query/query-service.ts";
import { Asker } from "./asker.ts";
import { BodySender } from "./body-sender.ts";
import { ClickHouse } from "./peers/clickhouse.ts";
import { DuckDb } from "./peers/duckdb.ts";
import { countSql, topSql } from "./peers/minute-answers.ts";
import type { Dialect, Window } from "./peers/minute-answers.ts";
import { Postgresql } from "./peers/postgresql.ts";
import { Clicktally } from "./service.ts";
import { clicktally } from "./suite/figures.ts";
import { lineOf, timeText } from "./workload.ts";
import type { WorkloadClick } from "./workload.ts";

export interface QueryServer extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** A minute's clicks, which come in one batch. */
  add(clicks: readonly WorkloadClick[]): Promise<void>;
  /** Resolves once all is counted, and what loading leaves to do is done. */
  settled(): Promise<void>;
  /** Lines of ad and count. */
  top(window: Window): Promise<string>;
  count(window: Window): Promise<string>;
}

const literal = (timeMs: number): string =>
  `TIMESTAMP '${timeText(timeMs).slice(0, 19).replace("T", " ")}'`;
const dialects = {
  clickhouse: {
    minutes: "bench.minutes",
    time: (timeMs: number) => `toDateTime(${timeMs / 1000}, 'UTC')`,
  },
  duckdb: { minutes: "minutes", time: literal },
  postgresql: {
    minutes: "minutes",
    time: (timeMs: number) => `'${timeText(timeMs)}'::timestamptz`,
  },
} satisfies Record<string, Dialect>;

export async function startClicktally(clicksAMinute: number): Promise<QueryServer> {
  return queriesOf(await Clicktally.start(), clicksAMinute);
}

/** Of a running service, which goes with it. */
export function queriesOf(service: Clicktally, clicksAMinute: number): QueryServer {
  const builder = new ClickBatchBuilder(defaultDimensions, clicksAMinute);
  const asker = new Asker(service.url);
  const sender = new BodySender(
    `${service.url}/v1/admin/import?source=import:bench`,
    "application/vnd.clicktally.click-batch",
    1,
  );
  return {
    name: clicktally,
    pid: service.pid,
    async add(clicks) {
      for (const { event_id, ad_id, timeMs, country, device, user_id, ip } of clicks) {
        const dimensions = { country, device, user_id, ip };
        builder.add({ event_id, ad_id, click_timestamp: timeMs, dimensions });
      }
      await post(sender, Buffer.from(encodeClickBatch(builder.build())));
      builder.reset();
    },
    settled: () => service.caughtUp(),
    async top({ fromMs, toMs }) {
      const path = `/v1/ads/popular_ads?topN=100&from=${fromMs}&to=${toMs}`;
      const { ads } = JSON.parse(await asker.ask(path)) as TopAnswer;
      return ads.map((ad) => `${ad.ad_id}\t${ad.count}`).join("\n");
    },
    async count({ adId, fromMs, toMs }) {
      const path = `/v1/ads/${adId}/aggregated_count?from=${fromMs}&to=${toMs}`;
      return String((JSON.parse(await asker.ask(path)) as CountAnswer).count);
    },
    async [Symbol.asyncDispose]() {
      sender.close();
      asker.close();
      await service[Symbol.asyncDispose]();
    },
  };
}

export async function startClickHouse(): Promise<QueryServer> {
  const server = await ClickHouse.start();
  return sqlServer("ClickHouse", server, dialects.clickhouse, {
    ...overHttp(server.insertUrl, `${server.url}/`),
    settled: async () => void (await server.mergedBytes()),
  });
}

export async function startDuckDb(): Promise<QueryServer> {
  const server = await DuckDb.start();
  return sqlServer("DuckDB", server, dialects.duckdb, {
    ...overHttp(server.insertUrl, `${server.url}/query`),
    settled: async () => void (await server.checkpointedBytes()),
  });
}

/** It is given the counts, not the clicks: these would take it some minutes, and nothing asks for them. */
export async function startPostgresql(): Promise<QueryServer> {
  const server = await Postgresql.start();
  return sqlServer("PostgreSQL", server, dialects.postgresql, {
    add: (clicks) => server.copyMinutes(minuteRows(clicks)),
    settled: () => server.vacuum(),
    query: (sql) => server.query(sql),
    close: () => {},
  });
}

function sqlServer(
  name: string,
  server: AsyncDisposable & { readonly pid: number },
  dialect: Dialect,
  { add, settled, query, close }: Pick<QueryServer, "add" | "settled"> & Wire,
): QueryServer {
  return {
    name,
    pid: server.pid,
    add,
    settled,
    top: (window) => query(topSql(dialect, window)),
    count: (window) => query(countSql(dialect, window)),
    async [Symbol.asyncDispose]() {
      close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** How a server is asked. */
interface Wire {
  /** Tab-separated lines. */
  query(sql: string): Promise<string>;
  close(): void;
}

function overHttp(insertUrl: string, queryUrl: string): Pick<QueryServer, "add"> & Wire {
  const sender = new BodySender(insertUrl, "application/x-ndjson", 1);
  const asker = new Asker(queryUrl);
  return {
    add: (clicks) => post(sender, Buffer.from(clicks.map(lineOf).join(""), "latin1")),
    query: async (sql) => (await asker.ask("", sql)).trim(),
    close() {
      sender.close();
      asker.close();
    },
  };
}

async function post(sender: BodySender, body: Buffer): Promise<void> {
  if (!(await sender.send(body))) throw new Error("the server refused to load");
}

/** As COPY takes them. All clicks are of one minute. */
function minuteRows(clicks: readonly WorkloadClick[]): string {
  const counts = new Map<string, number>();
  for (const { ad_id, country, device } of clicks) {
    const key = `${ad_id}\t${country}\t${device}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const minute = timeText(Math.floor(clicks[0]!.timeMs / minuteMs) * minuteMs);
  return [...counts].map(([key, count]) => `${minute}\t${key}\t${count}\n`).join("");
}
