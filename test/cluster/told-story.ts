/** Some days of a service on a data directory of its own, with all that may happen to clicks; and all that it tells of them. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dayMs, hourMs, minuteMs, minuteOf } from "../../src/model/time.ts";
import { eventually } from "../support/eventually.ts";
import type { SentClick } from "../support/live-clicks.ts";
import { liveClicks } from "../support/live-clicks.ts";
import { ServiceProcess } from "../support/service-process.ts";

const clock = new URL("../support/moved-clock.ts", import.meta.url).href;

const dimensions = "country: { in: minute }, device: { in: minute }, user_id: { in: raw }";
const settingsBefore = `dimensions: { ${dimensions}, ip: { in: raw, type: ip } }\n`;
const settingsAfter = `dimensions: { ${dimensions}, ip: { in: raw, type: ip }, os: { in: minute } }\nlate: quarantine\n`;

/** Of both services: of the one before and of those after. */
export const storyEnv = {
  CLICKTALLY_WATERMARK_IDLE_LAG: "1s",
  CLICKTALLY_RETENTION_RAW: "3d",
};

export const settingsText = settingsAfter;

export interface Story {
  /** Event times of all that is told. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the last day: each was counted once. */
  readonly recent: readonly SentClick[];
  /** Acknowledged, and not counted when the process was killed. */
  readonly waiting: readonly SentClick[];
  readonly operations: readonly string[];
  /** A commit of the days before. */
  readonly asOf: number;
  /** Where clicks are in quarantine. */
  readonly heldMs: readonly [from: number, to: number];
  /** All minutes before were closed then. */
  readonly sealedMs: number;
}

export async function tellStory(
  dataDir: string,
  partitions: number,
): Promise<{ story: Story; told: Told }> {
  const clockFile = join(dataDir, "..", "clock");
  const setClock = (shiftMs: number): Promise<void> => writeFile(clockFile, String(shiftMs));
  const start = async (settings: string, more: Record<string, string> = {}) => {
    await writeFile(join(dataDir, "clicktally.yaml"), settings);
    return await ServiceProcess.start({
      dataDir,
      env: {
        ...storyEnv,
        NODE_OPTIONS: `--import ${clock}`,
        CLOCK_FILE: clockFile,
        CLICKTALLY_QUEUE_PARTITIONS: String(partitions),
        ...more,
      },
    });
  };
  const endMs = (minuteOf(Date.now()) - 20) * minuteMs;
  const send = async (service: ServiceProcess, clicks: readonly object[]): Promise<void> => {
    const lines = clicks.map((click) => JSON.stringify(click)).join("\n");
    const { status } = await service.post("/v1/clicks?wait=counted", lines);
    assert.equal(status, 200);
  };
  const admin = async (service: ServiceProcess, what: string, body: object): Promise<Json> => {
    const answer = await service.post<Json>(
      `/v1/admin/${what}`,
      JSON.stringify(body),
      "application/json",
    );
    assert.equal(answer.status, 200, `${what}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const finalUpTo = async (service: ServiceProcess, timeMs: number): Promise<void> => {
    await eventually("it is final", async () => {
      const { final_through: through } = await service.get<{ final_through: string | null }>(
        "/v1/status",
      );
      return through !== null && Date.parse(through) >= timeMs ? true : undefined;
    });
  };
  const operations: string[] = [];
  const days = [5, 2, 1].map((ago) => endMs - ago * dayMs);
  const [first, second, third] = days as [number, number, number];
  const fromMs = first - hourMs;
  const yesterday = clicksOf(8, third + 40 * minuteMs, 60, { os: "android" });
  let asOf = 0;
  await setClock(first - Date.now());
  {
    await using service = await start(settingsBefore);
    await send(service, clicksOf(1, first));
    for (const [i, campaign_id] of ["summer", "winter", "spring"].entries()) {
      const put = await fetch(`${service.url}/v1/ads/ad-${i + 1}`, {
        method: "PUT",
        body: JSON.stringify({ attributes: { campaign_id } }),
        headers: { "content-type": "application/json" },
      });
      assert.equal(put.status, 200);
    }
    await setClock(second - Date.now());
    const clicks = clicksOf(2, second);
    await send(service, clicks);
    await send(service, clicks.slice(0, 40));
    await setClock(second + 10 * minuteMs - Date.now());
    const voided = clicks.slice(10, 14);
    const late = clicksOf(3, second - 5 * minuteMs, 60);
    await send(service, clicksOf(4, second + 10 * minuteMs, 60));
    await finalUpTo(service, second + minuteMs);
    // Late, and older than the horizon.
    await send(service, [...late, { ...late[0], event_id: "old", click_timestamp: first }]);
    operations.push((await admin(service, "void", identitiesOf(voided)))["id"] as string);
    const undo = { ...identitiesOf(voided.slice(0, 1)), undo: true };
    operations.push((await admin(service, "void", undo))["id"] as string);
    await admin(service, "close", { through: second + minuteMs });
    ({ as_of: asOf } = await service.get<{ as_of: number }>("/v1/top?window=60m"));
    // After the close: what is sealed does not change by these.
    await send(service, clicksOf(5, second - 3 * minuteMs, 30));
    const put = await fetch(`${service.url}/v1/ads/ad-1`, {
      method: "PUT",
      body: JSON.stringify({ attributes: { campaign_id: "autumn" }, valid_from: third - hourMs }),
      headers: { "content-type": "application/json" },
    });
    assert.equal(put.status, 200);
    const values = clicks.slice(0, 5).map((click) => click["user_id"]);
    const erased = { field: "user_id", values, reason: "asked to be forgotten" };
    operations.push((await admin(service, "erase", erased))["id"] as string);
  }
  await setClock(third - Date.now());
  {
    await using service = await start(settingsAfter);
    await send(service, clicksOf(6, third, 300));
    await setClock(third + 20 * minuteMs - Date.now());
    await send(service, clicksOf(7, third + 20 * minuteMs, 300, { os: "ios" }));
    await setClock(third + 40 * minuteMs - Date.now());
    await send(service, yesterday);
    await finalUpTo(service, third + 30 * minuteMs);
    // Late, in quarantine; some of it is let in.
    await send(service, clicksOf(9, third + 18 * minuteMs, 40, { os: "ios" }));
    const released = { from: third + 17 * minuteMs, to: third + 18 * minuteMs, reason: "let in" };
    operations.push((await admin(service, "release", released))["id"] as string);
    // Gives the minutes of before the new dimension.
    const recompute = { from: third - 10 * minuteMs, to: third + 30 * minuteMs, apply: true };
    operations.push(
      (await admin(service, "recompute", { ...recompute, reason: "os" }))["id"] as string,
    );
  }
  const last = clicksOf(10, endMs, 400, { os: "ios" });
  await setClock(0);
  let told: Told;
  const story = {
    fromMs,
    toMs: endMs + 2 * minuteMs,
    recent: [...yesterday, ...last],
    operations,
    asOf,
    sealedMs: second + minuteMs,
    heldMs: [third + 15 * minuteMs, third + 20 * minuteMs] as const,
  };
  {
    await using service = await start(settingsAfter);
    await send(service, last);
    await eventually("days are dropped", async () => {
      const answer = await fetch(
        `${service.url}/v1/breakdown?by=user_id&from=${fromMs}&to=${first}`,
      );
      return answer.status === 410 ? true : undefined;
    });
    await finalUpTo(service, story.toMs);
    told = await askAll(service, story);
  }
  const waiting = clicksOf(11, Date.now(), 50);
  await using service = await start(settingsAfter, { CLICKTALLY_COMMIT_MAX_DELAY: "1m" });
  const lines = waiting.map((click) => JSON.stringify(click)).join("\n");
  assert.equal((await service.post("/v1/clicks", lines)).status, 200);
  await service.kill();
  return { story: { ...story, waiting }, told };
}

type Json = Readonly<Record<string, unknown>>;

export function clicksOf(seed: number, endMs: number, count = 200, more: object = {}): SentClick[] {
  const spread = { duplicateShare: 0, shuffledOverMs: 1_000, endMs, spanMs: 2 * minuteMs };
  return liveClicks(seed, { count, ...spread }).map((click) => Object.assign({}, click, more));
}

export function identitiesOf(clicks: readonly SentClick[]): object {
  return {
    identities: clicks.map(({ ad_id, event_id }) => ({ ad_id, event_id })),
    reason: "a vendor's verdict",
  };
}

/** Answers by question, or the code of the problem. */
export type Told = ReadonlyMap<string, unknown>;

/** What is told of the days of the story, but for how far the service has come since. */
export async function askAll(
  service: ServiceProcess,
  { fromMs, toMs, operations, asOf, sealedMs }: Omit<Story, "waiting">,
): Promise<Told> {
  const whole = `from=${fromMs}&to=${toMs}`;
  const kept = `from=${toMs - 2.5 * dayMs}&to=${toMs}`;
  const sealed = `from=${fromMs}&to=${sealedMs}`;
  const ads = ["ad-1", "ad-2", "ad-3", "ad-7", "ad-40"];
  const counts = [
    "/v1/top?topN=1000&",
    "/v1/breakdown?by=ad_id,country,device&granularity=hour&limit=10000&",
    "/v1/breakdown?by=ad.campaign_id,country&granularity=day&",
    ...ads.map((ad) => `/v1/ads/${ad}/aggregated_count?granularity=hour&`),
    "/v1/ads/ad-1/aggregated_count?filter=country==US;device!=mobile&",
  ];
  const questions = [
    ...[whole, kept, `${sealed}&as_of=${asOf}`].flatMap((range) =>
      counts.map((question) => question + range),
    ),
    `/v1/breakdown?by=os,country&granularity=hour&limit=10000&${kept}`,
    `/v1/breakdown?by=user_id,ip&limit=10000&${kept}`,
    `/v1/breakdown?by=user_id&${whole}`,
    `/v1/top?topN=100&filter=user_id=null=true&${kept}`,
    ...ads.map((ad) => `/v1/ads/${ad}/explain?limit=10000&${kept}`),
    `/v1/ads/ad-1/explain?limit=10000&${kept}&filter=country==US`,
    `/v1/ads/ad-1/explain?${whole}`,
    ...ads.slice(0, 3).map((ad) => `/v1/ads/${ad}`),
    `/v1/ledger?${whole}`,
    `/v1/restatements?limit=100000&${whole}`,
    `/v1/restatements?ad_id=ad-1&${whole}`,
    `/v1/quarantine?limit=10000&${kept}`,
    `/v1/statement?${sealed}`,
    "/v1/closes",
    ...operations.map((id) => `/v1/admin/operations/${id}`),
  ];
  const told = new Map<string, unknown>();
  for (const question of questions) {
    const answer = await fetch(service.url + question);
    const body = (await answer.json()) as Record<string, unknown>;
    for (const moved of ["as_of", "watermark", "final_through"])
      if (!question.includes("operations/")) delete body[moved];
    // Of a day that is open it is that of the answer.
    if (question.startsWith("/v1/statement"))
      for (const row of body["rows"] as Record<string, unknown>[])
        if (row["status"] !== "closed") delete row["as_of"];
    // Stores differ in how they order addresses.
    if (question.includes("by=user_id,ip"))
      (body["rows"] as object[]).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    told.set(question, answer.ok ? body : [answer.status, body["code"]]);
  }
  return told;
}
