/** What must come out exactly at the end, whatever the machine was like. */
import { Random } from "../../src/traffic/random.ts";
import { minuteMs, minuteOf } from "../../src/model/time.ts";
import type { LedgerAnswer } from "../../src/query/query-service.ts";
import type { AuditAnswer } from "../../src/query/recount.ts";
import type { Clicktally } from "../service.ts";
import { probeAd } from "./visitors.ts";

/** Minutes that are recounted from the raw clicks. */
const auditedMinutesMax = 5;
/** A run is not late for what beginning and ending takes. */
const startSeconds = 2;

export interface Sent {
  readonly fromMs: number;
  readonly toMs: number;
  /** What sending all should take, and what it took. */
  readonly expectedSeconds: number;
  readonly seconds: number;
  /** Acknowledged, the probe's too. */
  readonly clicks: number;
  readonly duplicates: number;
  readonly probeClicks: number;
  readonly refusals: number;
}

export interface Check {
  readonly name: string;
  readonly held: boolean;
  readonly found: string;
}

export async function checkBooks(service: Clicktally, sent: Sent, seed: number): Promise<Check[]> {
  const [fromMinute, toMinute] = [minuteOf(sent.fromMs) - 1, minuteOf(sent.toMs) + 1];
  const range = rangeOf(fromMinute, toMinute);
  const { total, balanced } = await service.get<LedgerAnswer>(`/v1/ledger?${range}`);
  const { count } = await service.get<{ count: number }>(
    `/v1/ads/${probeAd}/aggregated_count?${range}`,
  );
  const counted = total.counted + total.restated;
  const expected = sent.clicks - sent.duplicates;
  return [
    check(
      "the rate was held",
      sent.seconds <= sent.expectedSeconds * 1.01 + startSeconds,
      `${sent.seconds.toFixed(1)} s for ${sent.expectedSeconds.toFixed(1)} s`,
    ),
    check("no refusals", sent.refusals === 0, `${sent.refusals}`),
    check(
      "acknowledged = received",
      total.received === sent.clicks,
      `${sent.clicks} = ${total.received}`,
    ),
    check(
      "acknowledged - duplicates = counted",
      counted === expected && total.duplicate === sent.duplicates,
      `${sent.clicks} - ${sent.duplicates} = ${counted}`,
    ),
    check(
      "the probe's clicks = its ad's count",
      count === sent.probeClicks,
      `${sent.probeClicks} = ${count}`,
    ),
    check("the ledger is balanced", balanced, String(balanced)),
    await checkAudit(service, fromMinute + 1, toMinute, seed),
  ];
}

async function checkAudit(
  service: Clicktally,
  fromMinute: number,
  toMinute: number,
  seed: number,
): Promise<Check> {
  const all = Array.from({ length: toMinute - fromMinute }, (_, i) => fromMinute + i);
  new Random(seed).shuffle(all);
  let clicks = 0;
  let differing = 0;
  for (const minute of all.slice(0, auditedMinutesMax)) {
    const response = await fetch(`${service.url}/v1/admin/audit?${rangeOf(minute, minute + 1)}`, {
      method: "POST",
    });
    if (!response.ok) throw new Error(`audit: ${response.status} ${await response.text()}`);
    const answer = (await response.json()) as AuditAnswer;
    clicks += answer.compared_clicks;
    differing += answer.differing_rows;
  }
  const found = `${clicks} clicks recounted, ${differing} rows differ`;
  return check("sampled minutes equal a recount", clicks > 0 && differing === 0, found);
}

function rangeOf(fromMinute: number, toMinute: number): string {
  return `from=${fromMinute * minuteMs}&to=${toMinute * minuteMs}`;
}

function check(name: string, held: boolean, found: string): Check {
  return { name, held, found };
}
