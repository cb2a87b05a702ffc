/** Values for parameters and members of bodies: good ones by their names, and hostile ones for any. */

import type { Random } from "../../../src/traffic/random.ts";

const now = (): number => Date.now();

const good: Readonly<Record<string, () => readonly string[]>> = {
  ad_id: () => ["ad-1", "ad-2", "ad/3", "a d", "é😀", "nobody", "popular_ads"],
  window: () => ["5", "60m", "2h", "7d", "1w"],
  end: () => ["final"],
  from: () => [String(now() - 3_600_000), new Date(now() - 7_200_000).toISOString()],
  to: () => [String(now()), new Date(now() + 60_000).toISOString()],
  filter: () => [
    "country==US",
    "device=in=(mobile,tablet);user_id!=u1",
    "ad.campaign_id==c1,ip==::1",
  ],
  granularity: () => ["minute", "hour", "day"],
  id: () => ["operation-1"],
  through: () => ["2026-01-01", "2026-01-01T00:00:00Z"],
  tz: () => ["UTC", "Europe/Berlin", "Asia/Kathmandu"],
  as_of: () => ["0", "1"],
  topN: () => ["1", "10", "1000"],
  sample: () => ["1", "3"],
  seed: () => ["0", "4294967295"],
  by: () => ["ad_id", "country,device", "ad.campaign_id", "user_id,ip,country"],
  order: () => ["key", "count"],
  limit: () => ["1", "10", "1000"],
  cursor: () => [cursorOf([1, "x", 0, 1])],
  wait: () => ["counted"],
  since: () => ["0", "1", "2-0", "1-ab12"],
  follow: () => ["true", "false"],
  source: () => ["import:file.csv", "import:é"],
  event_id: () => [crypto.randomUUID(), "e1", "e2"],
  click_timestamp: () => [String(now()), new Date(now() - 1000).toISOString()],
  country: () => ["US", "de"],
  device: () => ["mobile", "tablet"],
  user_id: () => ["u1"],
  ip: () => ["1.2.3.4", "2001:db8::1"],
  campaign_id: () => ["c1", "c2"],
  late: () => ["restate", "quarantine"],
  reason: () => ["a server was away"],
  rollback: () => ["last"],
  valid_from: () => [new Date(now()).toISOString(), "0"],
};

/** Parameters whose good values are known; the document must not have others. */
export const knownNames: readonly string[] = Object.keys(good);

const hostile: readonly string[] = [
  "",
  " ",
  "0",
  "-1",
  "1e3",
  "0x10",
  "1.5",
  "99999999999999999999",
  "9007199254740993",
  "NaN",
  "null",
  "true",
  "[]",
  "{}",
  "\u0000",
  "a\u0000b",
  "\u0001\u001f\u007f",
  "\ufeff",
  "\ud800",
  "\udc00\ud800",
  "é\u0301😀\u200d",
  "\r\nSet-Cookie: x=1",
  "__proto__",
  "constructor",
  "toString",
  "'; DROP TABLE clicks; --",
  "' OR ''='",
  '" UNION SELECT 1 --',
  "$1",
  "${7*7}",
  "country==US;",
  "((((((((((((((((((((((((((((((((((((((((device==a",
  "device=='a",
  'device=="\\',
  "country==ß",
  "ip==1.2.3.4.5",
  "device=in=()",
  `device=in=(${"a,".repeat(1200)}b)`,
  "ad_id",
  "ad_id,ad_id",
  "../../etc/passwd",
  "%2e%2e%2f",
  "x".repeat(257),
  "é".repeat(129),
  "x".repeat(9000),
  "1970-01-01T00:00:00Z",
  "2200-01-01T00:00:00Z",
  "2026-02-30T00:00:00Z",
  "400d",
  "401d",
  "999999999w",
  "Mars/Olympus",
  cursorOf([1, "x", -9e15, 9e15]),
];

function cursorOf(content: unknown): string {
  return Buffer.from(JSON.stringify(content)).toString("base64url");
}

export function goodValue(name: string, random: Random): string {
  return random.pick(good[name]?.() ?? ["x"]);
}

export function hostileValue(random: Random): string {
  return random.pick(hostile);
}

/** A text as a part of a URL; half pairs and the like, which it can't hold, as bytes that are no UTF-8. */
export function percentEncoded(text: string, random: Random): string {
  if (!text.isWellFormed()) return "%ED%A0%80";
  if (random.chance(0.02)) return random.pick(["%", "%zz", "%ff", "%c3%28", "%00"]);
  return encodeURIComponent(text);
}
