/**
 * Queries beside ClickHouse, in the same run and in turns, each while the other process is stopped, on the same clicks:
 * about 2 million minute rows an hour.
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
const settleMs = 10_000;
const wakeUpMs = 200;

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
const top: Timings = { clicktally: [], ClickHouse: [] };
const count: Timings = { clicktally: [], ClickHouse: [] };
const random = new Random(1);
await askWindows(0, warmUpWindows);
for (const timings of [top, count]) timings.clicktally.length = timings.ClickHouse.length = 0;
for (let round = 0; round < rounds; round++)
  await askWindows(warmUpWindows + round * windowsARound, windowsARound);
console.log(
  `| over 60 min, ${minuteRows.toLocaleString("en-US")} minute rows | clicktally | ClickHouse | times faster |`,
);
console.log("|---|---|---|---|");
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
  const builder = new ClickBatchBuilder(defaultDimensions, Number(flags["clicks-a-minute"]));
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
    }
    // A minute's clicks come in one batch: history that comes to a minute later would be a restatement.
    await flush();
  }
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
  const response = await fetch(url, {
    method: "POST",
    headers,
    body: body as Uint8Array<ArrayBuffer>,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
}

/** Asks both for the same windows, one after the other, each with the machine to itself, and compares the answers. */
async function askWindows(first: number, windowCount: number): Promise<void> {
  const windows = Array.from({ length: windowCount }, (_, i) => {
    const fromMs = startMs + (first + i) * minuteMs;
    return { adId: random.pick(askedAds), fromMs, toMs: fromMs + windowMinutes * minuteMs };
  });
  const ours: string[] = [];
  const theirs: string[] = [];
  await alone(service.pid, clickhouse.pid, async () => {
    for (const window of windows) ours.push(await ourTop(window), await ourCount(window));
  });
  await alone(clickhouse.pid, service.pid, async () => {
    for (const window of windows) theirs.push(await theirTop(window), await theirCount(window));
  });
  assert.deepEqual(ours, theirs);
}

/** Runs while the other process is stopped. */
async function alone(pid: number, otherPid: number, ask: () => Promise<void>): Promise<void> {
  process.kill(otherPid, "SIGSTOP");
  process.kill(pid, "SIGCONT");
  try {
    await delay(wakeUpMs);
    await ask();
  } finally {
    process.kill(otherPid, "SIGCONT");
  }
}

interface Window {
  readonly adId: string;
  readonly fromMs: number;
  readonly toMs: number;
}

async function ourTop({ fromMs, toMs }: Window): Promise<string> {
  const path = `/v1/ads/popular_ads?topN=100&from=${fromMs}&to=${toMs}`;
  const { ads } = await timed(top.clicktally, () => service.get<TopAnswer>(path));
  return ads.map((ad) => `${ad.ad_id}\t${ad.count}`).join("\n");
}

async function ourCount({ adId, fromMs, toMs }: Window): Promise<string> {
  const path = `/v1/ads/${adId}/aggregated_count?from=${fromMs}&to=${toMs}`;
  return String((await timed(count.clicktally, () => service.get<CountAnswer>(path))).count);
}

function theirTop({ fromMs, toMs }: Window): Promise<string> {
  return timed(top.ClickHouse, () =>
    clickhouse.query(
      `SELECT ad_id, sum(clicks) AS clicks FROM bench.minutes WHERE ${between(fromMs, toMs)}
       GROUP BY ad_id ORDER BY clicks DESC, ad_id LIMIT 100`,
    ),
  );
}

function theirCount({ adId, fromMs, toMs }: Window): Promise<string> {
  return timed(count.ClickHouse, () =>
    clickhouse.query(
      `SELECT sum(clicks) FROM bench.minutes WHERE ad_id = '${adId}' AND ${between(fromMs, toMs)}`,
    ),
  );
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

function both(timings: readonly number[]): string {
  return `${percentile(timings, 0.5).toFixed(1)} / ${percentile(timings, 0.99).toFixed(1)}`;
}
