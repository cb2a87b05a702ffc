import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Filter } from "../../src/model/filter.ts";
import { formatFilter } from "../../src/model/parse-filter.ts";
import { formatTime, minuteMs } from "../../src/model/time.ts";
import type { QueryService } from "../../src/query/query-service.ts";
import { Random } from "../../src/traffic/random.ts";
import { randomCut, randomFilter, randomLog } from "../support/random-clicks.ts";
import { QueriedLog } from "./engine-fixture.ts";

const minuteFields = ["country", "device", "ad_id"];
const allFields = [...minuteFields, "user_id", "ip", "ad.campaign_id", "ad.advertiser_id"];

interface Question {
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly filter: Filter | undefined;
  readonly adId: string;
  readonly by: readonly string[];
}

function randomQuestion(random: Random, firstMinute: number, lastMinute: number): Question {
  const fromMinute = random.between(firstMinute - 1, lastMinute);
  const fields = random.chance(0.5) ? minuteFields : allFields;
  return {
    fromMinute,
    toMinute: random.chance(0.3) ? lastMinute + 2 : random.between(fromMinute + 1, fromMinute + 90),
    filter: random.chance(0.75) ? randomFilter(random, fields) : undefined,
    adId: `ad-${random.below(5)}`,
    by: allFields.filter(() => random.chance(0.2)).slice(0, 3),
  };
}

/** Asks one question in all its forms, of both engines, and compares with the oracle. */
async function assertEqualAnswers(
  log: QueriedLog,
  engines: readonly QueryService[],
  question: Question,
): Promise<void> {
  const { fromMinute, toMinute, filter, adId, by } = question;
  const range = { from: String(fromMinute * minuteMs), to: String(toMinute * minuteMs) };
  const request = { ...range, ...(filter && { filter: formatFilter(filter) }) };
  const asked = { fromMinute, toMinute, ...(filter && { filter }) };
  const counts = await Promise.all(
    engines.map((engine) => engine.count({ ...request, ad_id: adId, granularity: "hour" })),
  );
  const tops = await Promise.all(engines.map((engine) => engine.top({ ...request, topN: "3" })));
  const breakdowns = await Promise.all(
    engines.map((engine) => engine.breakdown({ ...request, by: by.join(",") })),
  );
  for (const answer of [...counts, ...tops, ...breakdowns]) {
    assert.equal(answer.as_of, log.folded.commits.length);
    assert.equal(
      answer.watermark,
      Number.isFinite(log.oracle.watermarkMs) ? formatTime(log.oracle.watermarkMs) : null,
    );
  }
  for (const count of counts) {
    assert.equal(count.count, log.oracle.count({ ...asked, adId }));
    assert.equal(count.status, statusOf(log, question, adId));
    assert.equal(count.revision, revisionOf(log, question, adId));
    assert.equal(
      count.count,
      count.series!.reduce((sum, point) => sum + point.count, 0),
    );
    assert.equal(
      count.revision,
      count.series!.reduce((sum, point) => sum + point.revision, 0),
    );
  }
  for (const top of tops) {
    assert.deepEqual(
      top.ads.map(({ ad_id, count }) => ({ ad_id, count })),
      log.oracle.top(3, asked).map(({ group, count }) => ({ ad_id: group[0], count })),
    );
    assert.equal(top.status, statusOf(log, question, undefined));
  }
  for (const breakdown of breakdowns) {
    assert.deepEqual(
      breakdown.rows.map(({ count, ...group }) => ({
        group: by.map((field) => group[field] ?? null),
        count,
      })),
      log.oracle.breakdown(asked, by).map(({ group, count }) => ({ group, count })),
    );
    assert.equal(breakdown.status, statusOf(log, question, undefined));
  }
  assert.deepEqual(counts[1], counts[0]);
  assert.deepEqual(tops[1], tops[0]);
}

function statusOf(
  log: QueriedLog,
  { fromMinute, toMinute }: Question,
  adId: string | undefined,
): string {
  for (let minute = fromMinute; minute < toMinute; minute++)
    if (!log.oracle.isFinal(minute)) return "provisional";
  const isIn = (entry: { minute: number; adId: string }): boolean =>
    entry.minute >= fromMinute &&
    entry.minute < toMinute &&
    (adId === undefined || entry.adId === adId);
  return log.oracle.journal.some(isIn) ? "restated" : "final";
}

function revisionOf(log: QueriedLog, { fromMinute, toMinute }: Question, adId: string): number {
  return log.oracle.journal.filter(
    (entry) => entry.minute >= fromMinute && entry.minute < toMinute && entry.adId === adId,
  ).length;
}

describe("the query engine", () => {
  it("answers every question as the oracle does, from memory and from the store, commit by commit", async () => {
    let fromMemory = 0;
    for (const seed of [1, 2]) {
      await using log = await QueriedLog.open();
      const hot = await log.engine();
      const cold = await log.engine({ hotBytesMax: 0 });
      const random = new Random(seed);
      for (const run of randomCut(
        randomLog(seed, { adAttributes: true, configChanges: true }),
        seed,
      )) {
        await log.commit(run);
        const minutes = log.oracle.clicks.map(({ minute }) => minute);
        if (minutes.length === 0) continue;
        const question = randomQuestion(random, Math.min(...minutes), Math.max(...minutes));
        await assertEqualAnswers(log, [hot, cold], question);
        if (hot.hot.covers(question, question.filter)) fromMemory++;
        assert.equal(cold.hot.minuteCount, 0);
      }
      const restarted = await log.engine();
      assert.ok(restarted.hot.minuteCount > 0);
      const minutes = log.oracle.clicks.map(({ minute }) => minute);
      for (let asked = 0; asked < 5; asked++) {
        const question = randomQuestion(random, Math.min(...minutes), Math.max(...minutes));
        await assertEqualAnswers(log, [restarted, cold], question);
      }
    }
    assert.ok(fromMemory > 10, `${fromMemory} questions were answered from memory`);
  });
});
