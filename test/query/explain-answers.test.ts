import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import { CodedError } from "../../src/model/errors.ts";
import type { Filter } from "../../src/model/filter.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import { outcomeNames } from "../../src/model/outcome.ts";
import { formatFilter } from "../../src/model/parse-filter.ts";
import { formatTime, minuteMs, minuteOf } from "../../src/model/time.ts";
import type { QueryEngine } from "../../src/query/query-engine.ts";
import type {
  ExplainAnswer,
  ExplainedClick,
  ExplainRequest,
} from "../../src/query/query-service.ts";
import { Random } from "../../src/traffic/random.ts";
import type { OracleClick } from "../../src/simulation/oracle/oracle-fold.ts";
import { randomCut, randomFilter, randomLog, testDimensions } from "../support/random-clicks.ts";
import { outcomeCounts } from "../support/store-clicks.ts";
import { QueriedLog } from "./engine-fixture.ts";

const allFields = ["country", "device", "ad_id", "user_id", "ip", "ad.campaign_id"];

interface Pages {
  readonly first: ExplainAnswer;
  readonly clicks: readonly ExplainedClick[];
}

async function allPages(engine: QueryEngine, request: ExplainRequest): Promise<Pages> {
  const first = await engine.explain(request);
  const clicks = [...first.clicks];
  for (let page = first; page.next_cursor !== null;) {
    page = await engine.explain({ ...request, cursor: page.next_cursor });
    const { clicks: more, next_cursor: _next, ...same } = page;
    const { clicks: _clicks, next_cursor: _cursor, ...expected } = first;
    assert.deepEqual(same, expected);
    assert.ok(more.length > 0, "no page but the first is empty");
    clicks.push(...more);
  }
  return { first, clicks };
}

const placeOf = (click: { offset: number; row: number }): string => `${click.offset}:${click.row}`;

/** What the answer must tell of a click, but for its original. */
function told(click: OracleClick): Omit<ExplainedClick, "original"> {
  const { eventId, time, receivedAtMs, outcome, source, offset, row, dimensions } = click;
  return {
    event_id: eventId,
    click_timestamp: formatTime(time),
    received_at: formatTime(receivedAtMs),
    outcome,
    source,
    partition: 0,
    offset,
    row,
    dimensions: Object.fromEntries(
      testDimensions.map(({ name }) => [name, dimensions[name] ?? null]),
    ),
  };
}

/** The nearest recorded click before a duplicate, in the words of the answer. */
function originalOf(log: QueriedLog, duplicate: OracleClick): OracleClick | undefined {
  const index = log.oracle.clicks.indexOf(duplicate);
  const recorded = log.oracle.clicks
    .slice(0, index)
    .filter(
      ({ identity, outcome }) =>
        identity === duplicate.identity && outcome !== "duplicate" && outcome !== "expired",
    );
  return (
    recorded.findLast(({ time }) => minuteOf(time) === minuteOf(duplicate.time)) ?? recorded.at(-1)
  );
}

function assertOriginal(log: QueriedLog, { original }: ExplainedClick, click: OracleClick): void {
  if (click.outcome !== "duplicate") return assert.equal(original, null);
  const expected = originalOf(log, click);
  assert.ok(expected && original, `${placeOf(click)} has an original`);
  const { event_id: _id, dimensions: _dimensions, ...recorded } = told(expected);
  assert.deepEqual(original, recorded);
}

describe("an explanation", () => {
  it("lists every click once with the oracle's outcome and adds up to the count, page by page", async () => {
    const seen = outcomeCounts({});
    for (const seed of [1, 2]) {
      await using log = await QueriedLog.open();
      const engine = await log.engine();
      const random = new Random(seed);
      const records = randomLog(seed, {
        recordCount: 100,
        adAttributes: true,
        configChanges: true,
        eventIdCount: 30,
      });
      for (const run of randomCut(records, seed)) await log.commit(run);
      const minutes = log.oracle.clicks.map(({ minute }) => minute);
      const [firstMinute, lastMinute] = [Math.min(...minutes), Math.max(...minutes)];
      for (let asked = 0; asked < 8; asked++) {
        const fromMinute = asked < 5 ? firstMinute : random.between(firstMinute, lastMinute);
        const toMinute =
          asked < 5 ? lastMinute + 1 : random.between(fromMinute + 1, lastMinute + 2);
        const filter = asked < 5 ? undefined : randomFilter(random, allFields);
        await assertExplains(log, engine, {
          adId: `ad-${asked % 5}`,
          fromMinute,
          toMinute,
          limit: random.between(15, 60),
          ...(filter && { filter }),
        });
      }
      for (const { outcome } of log.oracle.clicks) seen[outcome]++;
    }
    for (const name of ["counted", "duplicate", "restated", "quarantined", "expired"] as const)
      assert.ok(seen[name] > 0, `some click was ${name}`);
  });

  async function assertExplains(
    log: QueriedLog,
    engine: QueryEngine,
    asked: {
      adId: string;
      fromMinute: number;
      toMinute: number;
      limit: number;
      filter?: Filter;
    },
  ): Promise<void> {
    const { adId, fromMinute, toMinute, limit, filter } = asked;
    const request = {
      ad_id: adId,
      from: String(fromMinute * minuteMs),
      to: String(toMinute * minuteMs),
      ...(filter && { filter: formatFilter(filter) }),
    };
    const { first, clicks } = await allPages(engine, { ...request, limit: String(limit) });
    const { series: _series, ...count } = await engine.count(request);
    const { clicks: _clicks, next_cursor: _cursor, dimensions, outcomes, ...head } = first;
    assert.deepEqual(head, count);
    assert.deepEqual(
      dimensions,
      testDimensions.map(({ name }) => name),
    );

    const expected = log.oracle.clicks
      .filter((click) => click.minute >= fromMinute && click.minute < toMinute)
      .filter((click) => click.adId === adId && (!filter || log.oracle.matches(filter, click)))
      .toSorted((a, b) => a.time - b.time || a.offset - b.offset || a.row - b.row);
    assert.deepEqual(
      clicks.map(({ original: _original, ...click }) => click),
      expected.map(told),
    );
    const numbers = outcomeNames.map((name) => [
      name,
      expected.filter(({ outcome }) => outcome === name).length,
    ]);
    assert.deepEqual(outcomes, Object.fromEntries(numbers));
    assert.equal(outcomes.counted + outcomes.restated, count.count);
    for (const [i, click] of clicks.entries()) assertOriginal(log, click, expected[i]!);
  }
});

describe("requests for an explanation", () => {
  const tenMs = Date.parse("2026-01-15T10:00:00Z");
  let log: QueriedLog;
  let engine: QueryEngine;
  before(async () => {
    log = await QueriedLog.open();
    engine = await log.engine();
    log.nowMs = tenMs + 5.5 * minuteMs;
    const batch = new ClickBatchBuilder(testDimensions);
    for (let i = 0; i < 150; i++)
      batch.add({ ad_id: "a", click_timestamp: tenMs + i, event_id: `e${i}`, dimensions: {} });
    const record: LogRecord = {
      kind: "clicks",
      receivedAtMs: tenMs,
      source: "http",
      history: false,
      batch: batch.build(),
    };
    await log.commit([record]);
  });
  after(() => log[Symbol.asyncDispose]());

  it("get 100 clicks a page, of the range of the first page while the window moves on", async () => {
    const first = await engine.explain({ ad_id: "a", window: "1h" });
    assert.deepEqual([first.count, first.clicks.length], [150, 100]);
    log.nowMs += 3 * minuteMs;
    const cursor = first.next_cursor!;
    const second = await engine.explain({ ad_id: "a", window: "1h", cursor });
    log.nowMs -= 3 * minuteMs;
    assert.deepEqual([second.from, second.to], [first.from, first.to]);
    assert.deepEqual([second.clicks.length, second.next_cursor], [50, null]);
    assert.equal(second.clicks[0]!.event_id, "e100");
  });

  it("for an ad without clicks get none, as a count does", async () => {
    const { clicks, count, outcomes, next_cursor } = await engine.explain({
      ad_id: "unheard of",
      window: "1h",
    });
    assert.deepEqual([clicks, count, next_cursor], [[], 0, null]);
    assert.deepEqual(outcomes, outcomeCounts({}));
  });

  it("name the parameter that is wrong", async () => {
    const request = { ad_id: "a", window: "1h" };
    const { next_cursor } = await engine.explain({ ...request, limit: "1" });
    const cursor = next_cursor!;
    const wrong: readonly (readonly [ExplainRequest, code: string, field: string])[] = [
      [{ ...request, ad_id: "" }, "invalid_parameter", "ad_id"],
      [{ ad_id: "a" }, "invalid_parameter", "window"],
      [{ ...request, filter: "colour==red" }, "unknown_dimension", "filter"],
      [{ ...request, limit: "0" }, "invalid_parameter", "limit"],
      [{ ...request, limit: "10001" }, "invalid_parameter", "limit"],
      [{ ...request, cursor: "x" }, "invalid_parameter", "cursor"],
      [{ ...request, cursor, ad_id: "b" }, "invalid_parameter", "cursor"],
      [{ ...request, cursor, filter: "country==US" }, "invalid_parameter", "cursor"],
      [{ ...request, cursor, window: "2h" }, "invalid_parameter", "cursor"],
      [{ ...request, cursor: without(cursor) }, "invalid_parameter", "cursor"],
    ];
    for (const [asked, code, field] of wrong)
      await assert.rejects(engine.explain(asked), (error) => {
        assert.ok(error instanceof CodedError, String(error));
        assert.deepEqual([error.code, error.field], [code, field], error.message);
        return true;
      });
  });

  /** A cursor less its last value. */
  function without(cursor: string): string {
    const values = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
    return Buffer.from(JSON.stringify(values.slice(0, -1))).toString("base64url");
  }
});
