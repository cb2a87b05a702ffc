import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { CodedError } from "../../src/model/errors.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import { formatFilter } from "../../src/model/parse-filter.ts";
import { formatMinute, minuteMs } from "../../src/model/time.ts";
import type { QueryEngine } from "../../src/query/query-engine.ts";
import { Oracle } from "../../src/simulation/oracle/oracle.ts";
import { Random } from "../../src/traffic/random.ts";
import { randomCut, randomFilter, randomLog, testConfig } from "../support/random-clicks.ts";
import { QueriedLog } from "./engine-fixture.ts";

const fields = ["country", "device", "ad_id", "user_id", "ip", "ad.campaign_id"];

/** Answers as of a past commit, or the code of the refusal. */
async function orRefusal<T>(answer: Promise<T>): Promise<T | string> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}

/** Asks as of `asOf` in all forms; `oracle` stands where that commit did. False where it is refused. */
async function askAsOf(
  engine: QueryEngine,
  oracle: Oracle,
  asOf: number,
  random: Random,
  range: { readonly fromMinute: number; readonly toMinute: number },
): Promise<boolean> {
  const filter = random.chance(0.6) ? randomFilter(random, fields) : undefined;
  const adId = `ad-${random.below(5)}`;
  const by = fields.filter(() => random.chance(0.2)).slice(0, 3);
  const request = {
    from: String(range.fromMinute * minuteMs),
    to: String(range.toMinute * minuteMs),
    as_of: String(asOf),
    ...(filter && { filter: formatFilter(filter) }),
  };
  const asked = { ...range, ...(filter && { filter }) };
  const count = await orRefusal(engine.count({ ...request, ad_id: adId }));
  const top = await orRefusal(engine.top({ ...request, topN: "3" }));
  const breakdown = await orRefusal(engine.breakdown({ ...request, by: by.join(",") }));
  const explain = await orRefusal(engine.explain({ ...request, ad_id: adId, limit: "10000" }));
  if (!oracle.isFinal(range.toMinute - 1)) {
    for (const refusal of [count, top, breakdown, explain])
      assert.equal(refusal, "as_of_provisional", JSON.stringify(request));
    return false;
  }
  for (const answer of [count, top, breakdown, explain]) {
    assert.ok(typeof answer !== "string", JSON.stringify([answer, request]));
    assert.equal(answer.as_of, asOf);
  }
  assert.ok(typeof count !== "string" && typeof explain !== "string");
  assert.ok(typeof top !== "string" && typeof breakdown !== "string");
  const restatements = oracle.journal.filter(
    ({ minute }) => minute >= range.fromMinute && minute < range.toMinute,
  );
  const ofAd = restatements.filter((entry) => entry.adId === adId);
  const what = JSON.stringify(request);
  const expected = [oracle.count({ ...asked, adId }), ofAd.length, ofAd.length > 0];
  assert.deepEqual([count.count, count.revision, count.status === "restated"], expected, what);
  assert.deepEqual(
    [explain.count, explain.revision, explain.status === "restated"],
    expected,
    what,
  );
  assert.equal(top.status, restatements.length > 0 ? "restated" : "final");
  assert.deepEqual(
    top.ads.map(({ ad_id, count: n }) => [ad_id, n]),
    oracle.top(3, asked).map(({ group, count: n }) => [group[0], n]),
    what,
  );
  assert.deepEqual(
    breakdown.rows.map((row) => [by.map((field) => row[field] ?? null), row["count"]]),
    oracle.breakdown(asked, by).map(({ group, count: n }) => [group, n]),
    what,
  );
  const matching = oracle.clicks.filter(
    (click) =>
      click.adId === adId &&
      click.minute >= range.fromMinute &&
      click.minute < range.toMinute &&
      (!filter || oracle.matches(filter, click)),
  );
  assert.deepEqual(
    explain.clicks.map((click) => `${click.offset}/${click.row} ${click.outcome}`).toSorted(),
    matching.map((click) => `${click.offset}/${click.row} ${click.outcome}`).toSorted(),
    what,
  );
  return true;
}

describe("numbers as they stood", () => {
  it("equal a recount of what had come by then, whatever came and was compacted since", async () => {
    let answered = 0;
    let refused = 0;
    for (const seed of [1, 2, 3]) {
      await using log = await QueriedLog.open();
      const engine = await log.engine();
      const random = new Random(seed);
      const records: LogRecord[] = [];
      const offsets: number[] = [0];
      for (const run of randomCut(
        randomLog(seed, { adAttributes: true, configChanges: true }),
        seed,
      )) {
        await log.commit(run);
        records.push(...run);
        const known = log.folded.commits.slice(offsets.length);
        offsets.push(...known.map(({ progress }) => progress.nextOffset));
        const { finalBeforeMinute } = log.folded.state.watermark;
        if (random.chance(0.3) && Number.isFinite(finalBeforeMinute))
          await log.store.compact(finalBeforeMinute);
        const minutes = log.oracle.clicks.map(({ minute }) => minute);
        if (minutes.length === 0) continue;
        // Not the last: of the present also what is provisional is told.
        if (offsets.length < 2) continue;
        const last = Math.max(...minutes);
        for (let asked = 0; asked < 4; asked++) {
          const asOf = random.between(1, offsets.length - 1);
          const oracle = new Oracle(testConfig, records.slice(0, offsets[asOf - 1]));
          const first = random.chance(0.6) ? last - 10 : Math.min(...minutes) - 1;
          const fromMinute = random.between(first, last);
          const toMinute = random.between(fromMinute + 1, Math.min(fromMinute + 90, last + 1));
          const range = { fromMinute, toMinute };
          if (await askAsOf(engine, oracle, asOf, random, range)) answered++;
          else refused++;
        }
      }
    }
    assert.ok(answered > 60, `only ${answered} were answered`);
    assert.ok(refused > 20, `only ${refused} were refused`);
  });

  it("end with what was final then where a window is to end so", async () => {
    await using log = await QueriedLog.open();
    const engine = await log.engine();
    const atMs = Date.UTC(2026, 0, 15, 10);
    await log.commit([{ kind: "tick", receivedAtMs: atMs }]);
    await log.commit([{ kind: "tick", receivedAtMs: atMs + 5 * minuteMs }]);
    const window = { window: "5m", end: "final", ad_id: "a" };
    const now = await engine.count(window);
    const then = await engine.count({ ...window, as_of: String(now.as_of - 1) });
    assert.deepEqual(
      [then.to, then.final_through, then.status],
      [formatMinute(atMs / minuteMs - 2), formatMinute(atMs / minuteMs - 2), "final"],
    );
    assert.notEqual(then.to, now.to);
  });
});
