import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { defaultDimensions } from "../../src/model/dimensions.ts";
import type { Filter } from "../../src/model/filter.ts";
import { parseFilter } from "../../src/model/parse-filter.ts";
import { ConfigHistory } from "../../src/query/config-history.ts";
import { HotMinutes } from "../../src/query/hot-minutes.ts";
import { configOf, minuteDeltas, PlainDictionaries } from "./hot-fixture.ts";
import type { PlainRow } from "./hot-fixture.ts";

const firstMinute = 29_000_000;
const names = ["country", "device"];

/** Every commit's rows, counted anew for every question in the plainest way. */
class Recount {
  readonly rows: PlainRow[] = [];

  countOf(adId: string, from: number, to: number, filter: Filter | undefined): number {
    return this.sums(from, to, filter).get(adId) ?? 0;
  }

  top(
    from: number,
    to: number,
    filter: Filter | undefined,
    most: number,
  ): { adId: string; count: number }[] {
    return [...this.sums(from, to, filter)]
      .map(([adId, count]) => ({ adId, count }))
      .filter(({ count }) => count > 0)
      .toSorted(
        (a, b) => b.count - a.count || Buffer.compare(Buffer.from(a.adId), Buffer.from(b.adId)),
      )
      .slice(0, most);
  }

  private sums(from: number, to: number, filter: Filter | undefined): Map<string, number> {
    const sums = new Map<string, number>();
    for (const row of this.rows) {
      if (row.minute < from || row.minute >= to || (filter && !matches(filter, row))) continue;
      sums.set(row.adId, (sums.get(row.adId) ?? 0) + row.count);
    }
    return sums;
  }
}

function matches(filter: Filter, row: PlainRow): boolean {
  if (filter.kind === "and") return filter.operands.every((operand) => matches(operand, row));
  if (filter.kind === "or") return filter.operands.some((operand) => matches(operand, row));
  const value = filter.field === "ad_id" ? row.adId : (row.dimensions[filter.field] ?? null);
  if (filter.operator === "=null=") return (value === null) === (filter.values[0] === "true");
  const isListed = value !== null && filter.values.includes(value);
  return filter.operator === "==" || filter.operator === "=in=" ? isListed : !isListed;
}

function newHot(options: { bytesMax?: number; minutesMax?: number } = {}): {
  hot: HotMinutes;
  dictionary: PlainDictionaries;
} {
  const dictionary = new PlainDictionaries();
  const configs = new ConfigHistory([configOf(defaultDimensions)]);
  return { dictionary, hot: new HotMinutes({ dictionary, configs, bytesMax: 1e9, ...options }) };
}

// U+FF5E sorts before U+1F600 by UTF-8, after it by UTF-16.
const adIds = ["b", "a", "\u{1F600}", "～", "ad-10", "ad-9", "ad-100", "é"];
const anyRow: fc.Arbitrary<PlainRow> = fc.record({
  minute: fc.integer({ min: 0, max: 7 }).map((offset) => firstMinute + offset),
  adId: fc.constantFrom(...adIds),
  dimensions: fc.record({
    country: fc.constantFrom("US", "DE", "FR", null),
    device: fc.constantFrom("mobile", "tv", null),
  }),
  count: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constantFrom(70_000, 2_000_000_000)),
});
const anyFilter = fc
  .constantFrom(
    undefined,
    "country==US",
    "country!=US",
    "country==XX,device==tv",
    "country=in=(US,FR);device!=mobile",
    "device=null=true",
    "device=out=(tv,radio);country=null=false",
    "ad_id==a",
    "ad_id=out=(a,b,zzz);country==DE",
    "ad_id=in=(a,é),ad_id==b",
    "(country==US,country==DE);device=null=false",
  )
  .map((text) => (text === undefined ? undefined : parseFilter(text)));
const anyQuestion = fc.record({
  from: fc.integer({ min: -1, max: 7 }).map((offset) => firstMinute + offset),
  length: fc.integer({ min: 1, max: 9 }),
  filter: anyFilter,
  adId: fc.constantFrom(...adIds, "never seen"),
  most: fc.integer({ min: 1, max: 9 }),
});
const anyCommits = fc.array(fc.array(anyRow, { maxLength: 30 }), { minLength: 1, maxLength: 8 });

function assertEqualAnswers(
  hot: HotMinutes,
  recount: Recount,
  {
    from,
    length,
    filter,
    adId,
    most,
  }: { from: number; length: number; filter: Filter | undefined; adId: string; most: number },
): void {
  const range = { fromMinute: from, toMinute: from + length };
  const top = hot.topAds(range, filter, most).map((ad) => ({ adId: ad.adId, count: ad.count }));
  assert.deepEqual(top, recount.top(from, from + length, filter, most));
  assert.deepEqual(hot.countOfAd(adId, range, filter), [
    recount.countOf(adId, from, from + length, filter),
  ]);
  const starts = Array.from({ length }, (_, i) => from + i).filter(
    (minute) => minute === from || minute % 2 === 0,
  );
  assert.deepEqual(
    hot.countOfAd(adId, range, filter, starts),
    starts.map((start, i) => recount.countOf(adId, start, starts[i + 1] ?? from + length, filter)),
  );
}

describe("hot minutes", () => {
  it("answer as a recount of all rows does, after every commit", () => {
    fc.assert(
      fc.property(
        anyCommits,
        fc.array(anyQuestion, { minLength: 1, maxLength: 4 }),
        (commits, questions) => {
          const { hot, dictionary } = newHot();
          const recount = new Recount();
          for (const rows of commits) {
            hot.apply({ minutes: minuteDeltas(rows, names, dictionary) });
            recount.rows.push(...rows);
            for (const question of questions) assertEqualAnswers(hot, recount, question);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it("answer right or say that they do not cover the range, whatever was evicted", () => {
    let answered = 0;
    let refused = 0;
    fc.assert(
      fc.property(
        anyCommits,
        fc.array(anyQuestion, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 2000, max: 14_000 }),
        fc.integer({ min: 2, max: 8 }),
        (commits, questions, bytesMax, minutesMax) => {
          const { hot, dictionary } = newHot({ bytesMax, minutesMax });
          const recount = new Recount();
          for (const rows of commits) {
            hot.apply({ minutes: minuteDeltas(rows, names, dictionary) });
            recount.rows.push(...rows);
            assert.ok(hot.bytes <= bytesMax, `${hot.bytes} bytes held`);
            assert.ok(hot.minuteCount <= minutesMax);
            for (const question of questions) {
              const range = {
                fromMinute: question.from,
                toMinute: question.from + question.length,
              };
              if (hot.covers(range, question.filter)) {
                assertEqualAnswers(hot, recount, question);
                answered++;
              } else {
                assert.throws(() => hot.topAds(range, question.filter, 1), /do not cover/);
                refused++;
              }
            }
          }
        },
      ),
      { numRuns: 150 },
    );
    assert.ok(answered > 50 && refused > 50, `${answered} answered, ${refused} refused`);
  });

  it("answer as a recount does from sums of whole stretches, which go when a minute of theirs changes", () => {
    const spread = (row: PlainRow, offset: number): PlainRow => ({
      ...row,
      minute: firstMinute + offset,
    });
    const anySpreadRow = fc.tuple(anyRow, fc.integer({ min: 0, max: 150 }));
    const anyLongQuestion = fc.record({
      from: fc.integer({ min: -1, max: 150 }).map((offset) => firstMinute + offset),
      length: fc.integer({ min: 1, max: 151 }),
      filter: fc.constantFrom(undefined, parseFilter("ad_id=in=(a,é)"), parseFilter("country==US")),
      adId: fc.constantFrom(...adIds),
      most: fc.integer({ min: 1, max: 9 }),
    });
    const anySteps = fc.array(
      fc.record({
        rows: fc.array(anySpreadRow, { maxLength: 5 }),
        isTakenAway: fc.boolean(),
        question: anyLongQuestion,
      }),
      { minLength: 1, maxLength: 6 },
    );
    let madeBytes = 0;
    fc.assert(
      fc.property(
        fc.array(anySpreadRow, { minLength: 100, maxLength: 300 }),
        anySteps,
        fc.option(fc.integer({ min: 100, max: 150 })),
        (loaded, steps, minutesMax) => {
          const { hot, dictionary } = newHot(minutesMax === null ? {} : { minutesMax });
          const recount = new Recount();
          const apply = (rows: readonly PlainRow[]): void => {
            hot.apply({ minutes: minuteDeltas(rows, names, dictionary) });
            recount.rows.push(...rows);
          };
          apply(loaded.map(([row, offset]) => spread(row, offset)));
          for (const { rows, isTakenAway, question } of steps) {
            for (let quiet = 0; quiet < 33; quiet++) apply([]);
            const range = { fromMinute: question.from, toMinute: question.from + question.length };
            if (!hot.covers(range, question.filter)) continue;
            const { bytes } = hot;
            assertEqualAnswers(hot, recount, question);
            madeBytes += hot.bytes - bytes;
            assertEqualAnswers(hot, recount, question);
            const taken = recount.rows.at(-1)!;
            apply(isTakenAway ? [{ ...taken, count: -taken.count }] : []);
            apply(rows.map(([row, offset]) => spread(row, offset)));
            if (hot.covers(range, question.filter)) assertEqualAnswers(hot, recount, question);
          }
        },
      ),
      { numRuns: 150 },
    );
    assert.ok(madeBytes > 0, "no sums were made");
  });

  it("answer the same once rows were sorted, merged and settled", () => {
    const { hot, dictionary } = newHot();
    const recount = new Recount();
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const rows = Array.from({ length: 60_000 }, (): PlainRow => ({
      minute: firstMinute + random(2),
      adId: `ad-${random(300)}`,
      dimensions: { country: ["US", "DE", null][random(3)]!, device: `d${random(40)}` },
      count: 1 + random(3),
    }));
    const questions = [
      "country==US",
      "device=in=(d1,d2,d3)",
      "country=null=true;device!=d7",
      undefined,
    ].map((text) => ({
      from: firstMinute,
      length: 2,
      filter: text === undefined ? undefined : parseFilter(text),
      adId: "ad-17",
      most: 50,
    }));
    for (let at = 0; at < rows.length; at += 10_000) {
      const part = rows.slice(at, at + 10_000);
      hot.apply({ minutes: minuteDeltas(part, names, dictionary) });
      recount.rows.push(...part);
    }
    for (const question of questions) assertEqualAnswers(hot, recount, question);
    const unsettledBytes = hot.bytes;
    for (let quiet = 0; quiet < 40; quiet++)
      hot.apply({ minutes: minuteDeltas([], names, dictionary) });
    assert.ok(hot.bytes < unsettledBytes);
    assert.ok(hot.bytes / hot.rowCount <= 14, `${hot.bytes / hot.rowCount} bytes a row`);
    for (const question of questions) assertEqualAnswers(hot, recount, question);
  });

  it("are settled, and summed up, once rows came for others", () => {
    const { hot, dictionary } = newHot();
    const blockStart = Math.ceil(firstMinute / 4) * 4;
    const apply = (minute: number): void => {
      const rows = Array.from({ length: 100 }, (_, n) => ({
        minute,
        adId: `ad-${n}`,
        dimensions: {},
        count: 1,
      }));
      hot.apply({ minutes: minuteDeltas(rows, names, dictionary) });
    };
    const bytesOfSums = (): number => {
      const { bytes } = hot;
      hot.topAds({ fromMinute: blockStart, toMinute: blockStart + 4 }, undefined, 5);
      return hot.bytes - bytes;
    };
    for (let offset = 0; offset < 4; offset++) apply(blockStart + offset);
    assert.equal(bytesOfSums(), 0, "the last minute may get more");
    apply(blockStart + 4);
    assert.ok(bytesOfSums() > 0);
  });

  it("let negative counts take ads and rows away", () => {
    const { hot, dictionary } = newHot();
    const row = { minute: firstMinute, adId: "a", dimensions: { country: "US" } };
    const other = { minute: firstMinute, adId: "b", dimensions: { country: "US" }, count: 1 };
    hot.apply({ minutes: minuteDeltas([{ ...row, count: 2 }, other], names, dictionary) });
    for (let quiet = 0; quiet < 40; quiet++)
      hot.apply({ minutes: minuteDeltas([], names, dictionary) });
    hot.apply({ minutes: minuteDeltas([{ ...row, count: -2 }], names, dictionary) });
    for (let quiet = 0; quiet < 40; quiet++) {
      const range = { fromMinute: firstMinute, toMinute: firstMinute + 1 };
      assert.deepEqual(
        hot.topAds(range, parseFilter("country==US"), 5).map(({ adId }) => adId),
        ["b"],
      );
      assert.deepEqual(hot.countOfAd("a", range, undefined), [0]);
      hot.apply({ minutes: minuteDeltas([], names, dictionary) });
    }
    assert.equal(hot.rowCount, 1);
  });

  it("leave filters to the store that ask about raw dimensions or attributes, or mix ads and dimensions in an or", () => {
    const { hot } = newHot();
    const range = { fromMinute: firstMinute, toMinute: firstMinute + 1 };
    assert.equal(hot.covers(range, parseFilter("ad_id==a,country==US")), false);
    assert.equal(hot.covers(range, parseFilter("ad.campaign_id==c")), false);
    assert.equal(hot.covers(range, parseFilter("country==US;user_id==u1")), false);
    assert.equal(hot.covers(range, parseFilter("ad_id==a;country==US")), true);
  });

  it("keep totals by ad further back than rows by dimension", () => {
    const { hot, dictionary } = newHot({ bytesMax: 134_000 });
    const rows = Array.from({ length: 40 }, (_, i) => i).flatMap((offset) =>
      Array.from({ length: 1000 }, (__, n): PlainRow => ({
        minute: firstMinute + offset,
        adId: `ad-${n % 100}`,
        dimensions: { country: `c${n % 10}`, device: `d${n}` },
        count: 1,
      })),
    );
    for (let at = 0; at < rows.length; at += 1000) {
      hot.apply({ minutes: minuteDeltas(rows.slice(at, at + 1000), names, dictionary) });
    }
    assert.ok(hot.bytes <= 134_000);
    const minutesBack = (minute: number): number => firstMinute + 40 - minute;
    assert.ok(
      minutesBack(hot.coveredFromMinute) > 1,
      `${minutesBack(hot.coveredFromMinute)} minutes by dimension`,
    );
    assert.ok(
      minutesBack(hot.totalsFromMinute) > 15,
      `${minutesBack(hot.totalsFromMinute)} minutes by ad`,
    );
    const range = { fromMinute: hot.totalsFromMinute, toMinute: firstMinute + 40 };
    assert.equal(hot.covers(range, parseFilter("country==c1")), false);
    const minutes = range.toMinute - range.fromMinute;
    assert.deepEqual(hot.countOfAd("ad-7", range, undefined), [minutes * 10]);
    // A straggler for a minute without rows by dimension.
    hot.apply({
      minutes: minuteDeltas(
        [{ ...rows[7]!, minute: range.fromMinute, adId: "ad-7" }],
        names,
        dictionary,
      ),
    });
    assert.deepEqual(hot.countOfAd("ad-7", range, undefined), [minutes * 10 + 1]);
  });
});
