import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import { CodedError } from "../../src/model/errors.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import { minuteMs } from "../../src/model/time.ts";
import type { QueryEngine } from "../../src/query/query-engine.ts";
import { testConfig, testDimensions } from "../support/random-clicks.ts";
import { QueriedLog } from "./engine-fixture.ts";

const tenMs = Date.parse("2026-01-15T10:00:00Z");
let nextId = 0;

/** A record of clicks of one ad at `10:MM`, received at once. */
function clicks(
  adId: string,
  minute: number,
  count: number,
  dimensions: Record<string, string> = {},
  lateMs = 0,
): LogRecord {
  const batch = new ClickBatchBuilder(testDimensions);
  const click_timestamp = tenMs + minute * minuteMs;
  for (let i = 0; i < count; i++)
    batch.add({ ad_id: adId, click_timestamp, event_id: `e${nextId++}`, dimensions });
  return {
    kind: "clicks",
    receivedAtMs: click_timestamp + lateMs,
    source: "http",
    history: false,
    batch: batch.build(),
  };
}

/** A silence: moves the watermark to `10:MM`, less the idle lag. */
function tick(minute: number): LogRecord {
  return { kind: "tick", receivedAtMs: tenMs + minute * minuteMs };
}

function refused(code: string, field: string | undefined): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof CodedError, String(error));
    assert.deepEqual([error.code, error.field], [code, field], error.message);
    return true;
  };
}

describe("answers", () => {
  let log: QueriedLog;
  let engine: QueryEngine;

  before(async () => {
    log = await QueriedLog.open();
    engine = await log.engine();
    log.nowMs = tenMs + 10.5 * minuteMs;
    await log.commit([
      clicks("a", 0, 3, { country: "US", device: "mobile", user_id: "u1" }),
      clicks("b", 0, 3, { country: "DE" }),
      clicks("c", 1, 5, { country: "US", ip: "10.0.0.1" }),
      clicks("b", 5, 1, { country: "US" }),
      tick(10),
    ]);
    await log.commit([clicks("a", 1, 2, { country: "US" }, 9 * minuteMs)]);
  });
  after(() => log[Symbol.asyncDispose]());

  it("to a count tell the effective range, the filter as understood and how final it is", async () => {
    const answer = await engine.count({
      ad_id: "a",
      from: "2026-01-15T10:00:30Z",
      to: "2026-01-15T10:01:30Z",
      filter: " country == us ",
    });
    assert.deepEqual(answer, {
      ad_id: "a",
      from: "2026-01-15T10:00:00Z",
      to: "2026-01-15T10:02:00Z",
      filter: "country==US",
      count: 5,
      revision: 1,
      status: "restated",
      final_through: "2026-01-15T10:08:00Z",
      watermark: "2026-01-15T10:09:45.000Z",
      as_of: log.folded.commits.length,
    });
  });

  it("to a count are provisional while the range reaches beyond final_through, and final where nothing came late", async () => {
    assert.equal((await engine.count({ ad_id: "a", window: "10" })).status, "provisional");
    const range = { from: "2026-01-15T10:00:00Z", to: "2026-01-15T10:08:00Z" };
    assert.equal((await engine.count({ ad_id: "b", ...range })).status, "final");
    assert.equal((await engine.count({ ad_id: "unheard of", ...range })).count, 0);
  });

  it("to a count come as a series of all buckets, each with its own status", async () => {
    const { series } = await engine.count({
      ad_id: "a",
      from: "2026-01-15T09:59:00Z",
      to: "2026-01-15T10:02:00Z",
      granularity: "minute",
    });
    assert.deepEqual(series, [
      { start: "2026-01-15T09:59:00Z", count: 0, status: "final", revision: 0 },
      { start: "2026-01-15T10:00:00Z", count: 3, status: "final", revision: 0 },
      { start: "2026-01-15T10:01:00Z", count: 2, status: "restated", revision: 1 },
    ]);
  });

  it("to a window end with the current minute, or with the final ones", async () => {
    const now = await engine.count({ ad_id: "b", window: "6" });
    assert.deepEqual(
      [now.from, now.to, now.count],
      ["2026-01-15T10:05:00Z", "2026-01-15T10:11:00Z", 1],
    );
    const final = await engine.count({ ad_id: "b", window: "3", end: "final" });
    assert.deepEqual(
      [final.from, final.to, final.status],
      ["2026-01-15T10:05:00Z", "2026-01-15T10:08:00Z", "final"],
    );
  });

  it("to the top rank by count, then by ad_id", async () => {
    const answer = await engine.top({ window: "1h", topN: "2" });
    assert.deepEqual(answer.ads, [
      { rank: 1, ad_id: "a", count: 5 },
      { rank: 2, ad_id: "c", count: 5 },
    ]);
    const minute = { from: "2026-01-15T10:00:00Z", to: "2026-01-15T10:01:00Z" };
    assert.deepEqual(
      (await engine.top(minute)).ads.map(({ ad_id }) => ad_id),
      ["a", "b"],
    );
    assert.equal((await engine.top(minute)).status, "final");
    assert.equal((await engine.top({ ...minute, to: "2026-01-15T10:02:00Z" })).status, "restated");
    assert.deepEqual(
      (await engine.top({ window: "1h", filter: "ip==::ffff:10.0.0.1" })).ads.map(
        ({ ad_id }) => ad_id,
      ),
      ["c"],
    );
  });

  it("to a breakdown have a member for every field, and start where there is a granularity", async () => {
    const range = { from: "2026-01-15T10:00:00Z", to: "2026-01-15T10:06:00Z" };
    const byCountry = await engine.breakdown({ ...range, by: "country,device" });
    assert.deepEqual(byCountry.rows, [
      { country: "DE", device: null, count: 3 },
      { country: "US", device: null, count: 8 },
      { country: "US", device: "mobile", count: 3 },
    ]);
    assert.deepEqual(byCountry.by, ["country", "device"]);
    assert.equal(byCountry.next_cursor, null);
    const byMinute = await engine.breakdown({
      ...range,
      granularity: "minute",
      filter: "country==US",
    });
    assert.deepEqual(byMinute.rows, [
      { start: "2026-01-15T10:00:00Z", count: 3 },
      { start: "2026-01-15T10:01:00Z", count: 7 },
      { start: "2026-01-15T10:05:00Z", count: 1 },
    ]);
    assert.deepEqual((await engine.breakdown(range)).rows, [{ count: 14 }]);
  });

  it("to a breakdown come in pages that join up, for a window over the range of the first page", async () => {
    const request = { window: "1h", by: "ad_id,country", granularity: "minute" };
    const whole = await engine.breakdown(request);
    const rows = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await engine.breakdown({
        ...request,
        limit: "2",
        ...(cursor !== undefined && { cursor }),
      });
      assert.deepEqual([page.from, page.to], [whole.from, whole.to]);
      rows.push(...page.rows);
      cursor = page.next_cursor ?? undefined;
      log.nowMs += minuteMs;
      pages++;
    } while (cursor !== undefined);
    log.nowMs = tenMs + 10.5 * minuteMs;
    assert.deepEqual(rows, whole.rows);
    assert.equal(pages, Math.ceil(whole.rows.length / 2));
  });

  it("refuse a cursor that is made up or belongs to another query or range", async () => {
    const request = { window: "1h", by: "ad_id" };
    const { next_cursor: cursor } = await engine.breakdown({ ...request, limit: "1" });
    assert.ok(cursor);
    for (const wrong of [
      { ...request, cursor: "" },
      { ...request, cursor: "!!" },
      { ...request, cursor: Buffer.from("[1,2]").toString("base64url") },
      { ...request, cursor, filter: "country==US" },
      { ...request, cursor, by: "country" },
      { ...request, cursor, window: "2h" },
      { by: "ad_id", from: "2026-01-15T10:00:00Z", to: "2026-01-15T10:06:00Z", cursor },
    ]) {
      await assert.rejects(engine.breakdown(wrong), refused("invalid_parameter", "cursor"));
    }
  });

  it("name the parameter that is wrong", async () => {
    const window = "1h";
    const wrong: readonly (readonly [Promise<unknown>, code: string, field: string])[] = [
      [engine.count({ ad_id: "", window }), "invalid_parameter", "ad_id"],
      [engine.count({ ad_id: "x".repeat(257), window }), "invalid_parameter", "ad_id"],
      [engine.count({ ad_id: "a" }), "invalid_parameter", "window"],
      [
        engine.count({ ad_id: "a", window, granularity: "week" }),
        "invalid_parameter",
        "granularity",
      ],
      [engine.count({ ad_id: "a", window, tz: "Mars/Base" }), "invalid_parameter", "tz"],
      [
        engine.count({ ad_id: "a", window: "300d", granularity: "minute" }),
        "range_too_large",
        "granularity",
      ],
      [engine.count({ ad_id: "a", window, filter: "" }), "invalid_filter", "filter"],
      [engine.count({ ad_id: "a", window, filter: "colour==red" }), "unknown_dimension", "filter"],
      [engine.count({ ad_id: "a", window, filter: "ip==red" }), "invalid_filter", "filter"],
      [engine.count({ ad_id: "a", window, as_of: "99" }), "invalid_parameter", "as_of"],
      [engine.count({ ad_id: "a", window, as_of: "0" }), "invalid_parameter", "as_of"],
      [engine.count({ ad_id: "a", window, as_of: "now" }), "invalid_parameter", "as_of"],
      [engine.top({ window, topN: "0" }), "invalid_parameter", "topN"],
      [engine.top({ window, topN: "1001" }), "invalid_parameter", "topN"],
      [engine.top({ window, topN: "1e2" }), "invalid_parameter", "topN"],
      [engine.breakdown({ window, by: "colour" }), "unknown_dimension", "by"],
      [engine.breakdown({ window, by: "ad.colour" }), "unknown_dimension", "by"],
      [engine.breakdown({ window, by: "ad_id," }), "unknown_dimension", "by"],
      [engine.breakdown({ window, by: "country,country" }), "invalid_parameter", "by"],
      [engine.breakdown({ window, by: "ad_id,country,device,user_id" }), "invalid_parameter", "by"],
      [engine.breakdown({ window, limit: "100001" }), "invalid_parameter", "limit"],
      [engine.ledger({}), "invalid_parameter", "window"],
      [engine.ad("a"), "not_found", "ad_id"],
    ];
    for (const [answer, code, field] of wrong) await assert.rejects(answer, refused(code, field));
  });

  it("list the known fields where one is unknown", async () => {
    await assert.rejects(engine.breakdown({ window: "1h", by: "colour" }), (error) => {
      assert.ok(error instanceof CodedError);
      assert.deepEqual(error.details["known"], [
        "ad_id",
        "country",
        "device",
        "user_id",
        "ip",
        "ad.campaign_id",
        "ad.advertiser_id",
      ]);
      return true;
    });
  });

  it("hold for as_of where it is the current commit", async () => {
    const current = log.folded.commits.length;
    assert.equal(
      (await engine.count({ ad_id: "a", window: "1h", as_of: String(current) })).as_of,
      current,
    );
  });

  it("hold for an earlier as_of as they stood, where they were final then", async () => {
    const range = { from: String(tenMs), to: String(tenMs + 2 * minuteMs) };
    const ask = async (as_of: number): Promise<unknown[]> => {
      const found = await engine.count({ ad_id: "a", ...range, as_of: String(as_of) });
      return [found.count, found.status, found.revision, found.final_through, found.as_of];
    };
    const current = log.folded.commits.length;
    assert.deepEqual(await ask(current), [5, "restated", 1, "2026-01-15T10:08:00Z", current]);
    assert.deepEqual(await ask(2), [3, "final", 0, "2026-01-15T10:08:00Z", 2]);
    await assert.rejects(ask(1), refused("as_of_provisional", "as_of"));
    const provisional = { ad_id: "a", window: "1h", as_of: "2" };
    await assert.rejects(engine.count(provisional), refused("as_of_provisional", "as_of"));
    await assert.rejects(engine.explain(provisional), refused("as_of_provisional", "as_of"));
  });

  it("tell the ledger, and that it balances", async () => {
    const ledger = await engine.ledger({ window: "1h" });
    assert.equal(ledger.balanced, true);
    assert.deepEqual(
      [ledger.total.received, ledger.total.counted, ledger.total.restated],
      [14, 12, 2],
    );
    const { totals } = await engine.status();
    assert.deepEqual(totals, ledger.total);
  });

  it("tell the service's state from commits and from its own numbers", async () => {
    const status = await engine.status();
    assert.equal(status.as_of, log.folded.commits.length);
    assert.equal(status.final_through, "2026-01-15T10:08:00Z");
    assert.deepEqual(status.partitions, [
      {
        partition: 0,
        lag_records: 8,
        lag_clicks: 9,
        lag_seconds: 10,
        next_offset: log.folded.commits.at(-1)!.progress.nextOffset,
        watermark: "2026-01-15T10:09:45.000Z",
        watermark_delay_seconds: 45,
      },
    ]);
    assert.deepEqual([status.store_bytes, status.queue_bytes, status.resident_bytes], [4, 5, 6]);
  });

  it("to an audit find no difference, in all or in a part", async () => {
    const whole = await engine.audit({});
    assert.deepEqual([whole.from, whole.to], ["2026-01-15T10:00:00Z", "2026-01-15T10:06:00Z"]);
    assert.deepEqual(
      [whole.compared_clicks, whole.differing_rows, whole.ledger_balanced],
      [14, 0, true],
    );
    const part = await engine.audit({ from: "2026-01-15T10:01:00Z" });
    assert.deepEqual(
      [part.from, part.to, part.compared_clicks],
      ["2026-01-15T10:01:00Z", "2026-01-15T10:06:00Z", 8],
    );
    const start = await engine.audit({ to: "2026-01-15T10:01:00Z" });
    assert.equal(start.compared_clicks, 6);
    await assert.rejects(engine.audit({ window: "x" }), refused("invalid_parameter", "window"));
  });

  it("sum the outcomes of committed rows", async () => {
    const outcomes = await engine.outcomes([
      { partition: 0, offset: 1, fromRow: 0, toRow: 2 },
      { partition: 0, offset: 2, fromRow: 1, toRow: 3 },
    ]);
    assert.equal(outcomes.counted, 4);
    await assert.rejects(
      engine.outcomes([{ partition: 0, offset: 99, fromRow: 0, toRow: 1 }]),
      refused("not_found", undefined),
    );
  });
});

describe("answers before the first click", () => {
  it("are 0, provisional and without a watermark", async () => {
    await using log = await QueriedLog.open();
    const engine = await log.engine();
    const count = await engine.count({ ad_id: "a", window: "60m" });
    assert.deepEqual(
      [count.count, count.status, count.watermark, count.final_through],
      [0, "provisional", null, null],
    );
    assert.deepEqual((await engine.top({ window: "60m" })).ads, []);
    assert.deepEqual((await engine.breakdown({ window: "60m" })).rows, []);
    const audit = await engine.audit({});
    assert.deepEqual([audit.from, audit.compared_rows, audit.ledger_balanced], [null, 0, true]);
    await assert.rejects(
      engine.count({ ad_id: "a", window: "5", end: "final" }),
      refused("invalid_parameter", "end"),
    );
  });

  it("stay provisional while a partition has no watermark", async () => {
    await using log = await QueriedLog.open();
    await log.commit([clicks("a", 0, 1), tick(10)]);
    const engine = await log.engine({ partitionCount: 2 });
    const count = await engine.count({
      ad_id: "a",
      from: String(tenMs),
      to: String(tenMs + minuteMs),
    });
    assert.deepEqual([count.count, count.status, count.watermark], [1, "provisional", null]);
  });
});

describe("the source of an answer", () => {
  const userByMinute = { name: "user_id", in: "minute", type: "string" } as const;

  it("is raw where a layout in force in the range does not keep the field by the minute", async () => {
    await using log = await QueriedLog.open();
    const engine = await log.engine();
    await log.commit([clicks("a", 0, 2, { user_id: "u1" })]);
    const next = {
      ...testConfig,
      generation: 2,
      fromMinute: tenMs / minuteMs + 2,
      dimensions: [...testDimensions.filter(({ name }) => name !== "user_id"), userByMinute],
    };
    await log.commit([
      { kind: "control", receivedAtMs: tenMs, control: { type: "config", config: next } },
    ]);
    await log.commit([clicks("a", 3, 3, { user_id: "u1" }), clicks("a", 3, 1, { user_id: "u2" })]);
    const count = async (from: number, to: number): Promise<number> => {
      const range = { from: String(tenMs + from * minuteMs), to: String(tenMs + to * minuteMs) };
      return (await engine.count({ ad_id: "a", ...range, filter: "user_id==u1" })).count;
    };
    assert.deepEqual([await count(0, 5), await count(0, 1), await count(2, 5)], [5, 2, 3]);
  });
});
