/**
 * Queries beside ClickHouse, in the same run and in turns, on the same clicks: about 2 million minute rows an hour.
 * Every window is asked once, so that no cache of answers helps, and both must give the same answer.
 *
 *   node bench/query.ts [--rounds 3] [--windows 10] [--clicks-a-minute 62000]
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ClickBatchBuilder } from "../src/model/click-batch-builder.ts";
import { encodeClickBatch } from "../src/model/click-batch-codec.ts";
import { defaultDimensions } from "../src/model/dimensions.ts";
import type { CountAnswer, TopAnswer } from "../src/query/query-service.ts";
import { Random } from "../src/traffic/random.ts";
import { ClickHouse } from "./peers/clickhouse.ts";
import { median, percentile } from "./processes.ts";
import { Clicktally } from "./service.ts";
import type { WorkloadClick } from "./workload.ts";
import { Workload, lineOf } from "./workload.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    windows: { type: "string", default: "10" },
    "clicks-a-minute": { type: "string", default: "62000" },
  },
});

const minuteMs = 60_000;
const windowMinutes = 60;
const rounds = Number(flags.rounds);
const windowsARound = Number(flags.windows);
/** Windows of their own that are asked first: both are to answer from compiled code. */
const warmUpWindows = 5;
const minutes = windowMinutes + warmUpWindows + rounds * windowsARound;
const endMs = Math.floor(Date.now() / minuteMs) * minuteMs;
const startMs = endMs - minutes * minuteMs;
const batchRows = 50_000;
const settleMs = 10_000;

await using service = await Clicktally.start();
await using clickhouse = await ClickHouse.start();
const askedAds = await load();
const minuteRows = Number(
  await clickhouse.query(
    `SELECT count() FROM bench.minutes WHERE minute >= ${seconds(endMs - windowMinutes * minuteMs)} AND minute < ${seconds(endMs)}`,
  ),
);
console.error(`loaded: ${minuteRows} minute rows in the last hour`);

type Timings = Record<"clicktally" | "ClickHouse", number[]>;
let top: Timings = { clicktally: [], ClickHouse: [] };
let count: Timings = { clicktally: [], ClickHouse: [] };
const random = new Random(1);
for (let window = 0; window < warmUpWindows + rounds * windowsARound; window++) {
  if (window === warmUpWindows) {
    top = { clicktally: [], ClickHouse: [] };
    count = { clicktally: [], ClickHouse: [] };
  }
  const fromMs = startMs + window * minuteMs;
  await compareTop(fromMs, fromMs + windowMinutes * minuteMs);
  await compareCount(random.pick(askedAds), fromMs, fromMs + windowMinutes * minuteMs);
}
console.log(
  `| over 60 min, ${minuteRows.toLocaleString("en-US")} minute rows | clicktally | ClickHouse | times faster |`,
);
console.log("|---|---|---|---|");
console.error(
  `ms, oldest window first: ${JSON.stringify({ top, count }, (_key, value: unknown) => rounded(value))}`,
);
for (const [title, timings] of [
  ["Top-100", top],
  ["count of one ad", count],
] as const) {
  const ratio = median(timings.ClickHouse) / median(timings.clicktally);
  console.log(
    `| ${title}, p50 / p99 (ms) | ${both(timings.clicktally)} | ${both(timings.ClickHouse)} | ${ratio.toFixed(1)} |`,
  );
}

/** Gives both the same clicks; returns ads as often as they were clicked. */
async function load(): Promise<string[]> {
  const workload = new Workload(1, 0);
  const builder = new ClickBatchBuilder(defaultDimensions, batchRows);
  const ads: string[] = [];
  let text = "";
  const flush = async (): Promise<void> => {
    await post(
      `${service.url}/v1/admin/import?source=import:bench`,
      "application/vnd.clicktally.click-batch",
      encodeClickBatch(builder.build()),
    );
    await post(clickhouse.insertUrl, "application/x-ndjson", Buffer.from(text, "latin1"));
    builder.reset();
    text = "";
  };
  for (let minute = 0; minute < minutes; minute++) {
    for (let i = 0; i < Number(flags["clicks-a-minute"]); i++) {
      const click = workload.next(startMs + minute * minuteMs + minuteMs - 1);
      builder.add(batchRow(click));
      text += lineOf(click);
      if (i % 1000 === 0) ads.push(click.ad_id);
      if (builder.rowCount === batchRows) await flush();
    }
  }
  await flush();
  await service.caughtUp();
  await clickhouse.mergedBytes();
  // What loading leaves to do in the background is not what is measured.
  await delay(settleMs);
  return ads;
}

function batchRow({ event_id, ad_id, timeMs, country, device, user_id, ip }: WorkloadClick) {
  return { event_id, ad_id, click_timestamp: timeMs, dimensions: { country, device, user_id, ip } };
}

async function post(url: string, contentType: string, body: Uint8Array): Promise<void> {
  const headers = { "content-type": contentType };
  const response = await fetch(url, { method: "POST", headers, body: body as Uint8Array<ArrayBuffer> });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
}

async function compareTop(fromMs: number, toMs: number): Promise<void> {
  const ours = await timed(top.clicktally, () =>
    service.get<TopAnswer>(`/v1/ads/popular_ads?topN=100&from=${fromMs}&to=${toMs}`),
  );
  const theirs = await timed(top.ClickHouse, () =>
    clickhouse.query(
      `SELECT ad_id, sum(clicks) AS clicks FROM bench.minutes WHERE ${between(fromMs, toMs)}
       GROUP BY ad_id ORDER BY clicks DESC, ad_id LIMIT 100`,
    ),
  );
  assert.equal(ours.ads.map((ad) => `${ad.ad_id}\t${ad.count}`).join("\n"), theirs);
}

async function compareCount(adId: string, fromMs: number, toMs: number): Promise<void> {
  const ours = await timed(count.clicktally, () =>
    service.get<CountAnswer>(`/v1/ads/${adId}/aggregated_count?from=${fromMs}&to=${toMs}`),
  );
  const theirs = await timed(count.ClickHouse, () =>
    clickhouse.query(
      `SELECT sum(clicks) FROM bench.minutes WHERE ad_id = '${adId}' AND ${between(fromMs, toMs)}`,
    ),
  );
  assert.equal(String(ours.count), theirs);
}

async function timed<T>(timings: number[], ask: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const answer = await ask();
  timings.push(performance.now() - start);
  return answer;
}

function between(fromMs: number, toMs: number): string {
  return `minute >= ${seconds(fromMs)} AND minute < ${seconds(toMs)}`;
}

function seconds(timeMs: number): string {
  return `toDateTime(${timeMs / 1000}, 'UTC')`;
}

function rounded(value: unknown): unknown {
  return typeof value === "number" ? Math.round(value * 10) / 10 : value;
}

function both(timings: readonly number[]): string {
  return `${percentile(timings, 0.5).toFixed(1)} / ${percentile(timings, 0.99).toFixed(1)}`;
}
