import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseFilter } from "../../src/model/parse-filter.ts";
import { minuteOf } from "../../src/model/time.ts";
import { liveClicks } from "../support/live-clicks.ts";
import { Oracle } from "../../src/simulation/oracle/oracle.ts";
import { testConfig } from "../support/random-clicks.ts";
import { readLog } from "../support/read-log.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const clickCount = 40_000;
const batchSize = 500;
const badLines = [
  "{not json",
  '{"ad_id":7,"click_timestamp":0}',
  '{"click_timestamp":"2026-01-01T00:00:00Z"}',
  '{"ad_id":"ad-1","click_timestamp":"yesterday"}',
];
const filters = [
  undefined,
  "country==US",
  "country=in=(DE,CN);device!=mobile",
  "device=null=true,country=null=true",
  "ip==10.0.3.7,ip=='2001:db8::a'",
  "user_id=in=(u1,u2,u3);country!=US",
];

interface Answer {
  readonly count: number;
  readonly ads: readonly { ad_id: string; count: number }[];
  readonly rows: readonly Record<string, string | number | null>[];
}

/** Sends every batch with one bad line in it, several at a time; returns the received, accepted and rejected. */
async function sendAll(
  service: ServiceProcess,
  lines: readonly string[],
): Promise<Record<string, number>> {
  const batches: string[] = [];
  for (let at = 0; at < lines.length; at += batchSize) {
    const batch = lines.slice(at, at + batchSize);
    batch.splice((at / batchSize) % batch.length, 0, badLines[(at / batchSize) % badLines.length]!);
    batches.push(batch.join("\n"));
  }
  const total = { received: 0, accepted: 0, rejected: 0 };
  let next = 0;
  const sender = async (): Promise<void> => {
    while (next < batches.length) {
      const { status, body } = await service.post<typeof total>("/v1/clicks", batches[next++]!);
      assert.equal(status, 200);
      total.received += body.received;
      total.accepted += body.accepted;
      total.rejected += body.rejected;
    }
  };
  await Promise.all([sender(), sender(), sender(), sender()]);
  return total;
}

describe("a live run of 40,000 clicks with duplicates, bad lines and a shuffled order", () => {
  it("counts, ranks, filters and balances as the oracle does", async () => {
    await using directory = await temporaryDirectory();
    const endMs = Date.now();
    const sent = liveClicks(1, {
      count: clickCount,
      duplicateShare: 0.05,
      shuffledOverMs: 10_000,
      endMs,
      spanMs: 90_000,
    });
    const [fromMinute, toMinute] = [minuteOf(endMs) - 10, minuteOf(endMs) + 2];
    const range = `from=${fromMinute * 60_000}&to=${toMinute * 60_000}`;
    const answers = new Map<string, unknown>();
    const ask = async (service: ServiceProcess, path: string): Promise<Answer> => {
      const answer = await service.get<Answer>(path);
      answers.set(path, answer);
      return answer;
    };
    const pathsOf = (filter: string | undefined): string[] => {
      const query = filter === undefined ? range : `${range}&filter=${encodeURIComponent(filter)}`;
      return [
        `/v1/ads/ad-0/aggregated_count?${query}`,
        `/v1/ads/ad-7/aggregated_count?${query}`,
        `/v1/ads/popular_ads?topN=20&${query}`,
        `/v1/breakdown?by=country,device&granularity=minute&limit=100000&${query}`,
      ];
    };

    const service = await ServiceProcess.start({ dataDir: directory.path });
    let total: Record<string, number>;
    let ledger: { total: Record<string, number>; balanced: boolean };
    try {
      total = await sendAll(
        service,
        sent.map((click) => JSON.stringify(click)),
      );
      await service.caughtUp();
      for (const path of filters.flatMap(pathsOf)) await ask(service, path);
      ledger = await service.get(`/v1/ledger?${range}`);
    } finally {
      await service.kill();
    }

    const oracle = new Oracle(
      { ...testConfig, dedupHorizonMs: 24 * 3_600_000, dedupRecentMs: 6 * 3_600_000 },
      await readLog(join(directory.path, "queue.sqlite")),
    );
    assert.equal(total["accepted"], sent.length);
    assert.equal(total["rejected"], Math.ceil(sent.length / batchSize));
    assert.equal(oracle.clicks.length, sent.length);
    assert.equal(oracle.count({ fromMinute, toMinute }), clickCount);

    for (const text of filters) {
      const query = {
        fromMinute,
        toMinute,
        ...(text === undefined ? {} : { filter: parseFilter(text) }),
      };
      const [adZero, adSeven, top, breakdown] = pathsOf(text).map(
        (path) => answers.get(path) as Answer,
      );
      assert.equal(adZero!.count, oracle.count({ ...query, adId: "ad-0" }), text);
      assert.equal(adSeven!.count, oracle.count({ ...query, adId: "ad-7" }), text);
      assert.deepEqual(
        top!.ads.map(({ ad_id, count }) => [ad_id, count]),
        oracle.top(20, query).map(({ group, count }) => [group[0], count]),
      );
      const minutes = Array.from({ length: toMinute - fromMinute }, (_, i) => fromMinute + i);
      assert.deepEqual(
        breakdown!.rows.map(({ start, country, device, count }) => [
          minuteOf(Date.parse(String(start))),
          country,
          device,
          count,
        ]),
        oracle
          .breakdown(query, ["country", "device"], minutes)
          .map(({ bucketStart, group: [country, device], count }) => [
            bucketStart,
            country,
            device,
            count,
          ]),
      );
    }

    assert.equal(ledger.balanced, true);
    const expected: Record<string, number> = {};
    for (const row of oracle.ledger.values()) {
      for (const [name, count] of Object.entries(row))
        expected[name] = (expected[name] ?? 0) + count;
    }
    assert.deepEqual(ledger.total, expected);
    assert.equal(expected["received"], total["received"]);
    assert.equal(expected["counted"]! + expected["restated"]!, clickCount);
  });
});
