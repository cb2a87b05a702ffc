import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import { minuteMs } from "../../src/model/time.ts";
import { testDimensions } from "../support/random-clicks.ts";
import { QueriedLog } from "./engine-fixture.ts";

const tenMs = Date.UTC(2026, 0, 15, 10);
const ten = tenMs / minuteMs;
let ids = 0;

/** A click of ad a at `10:MM`, received at `10:RR`. */
function click(minute: number, receivedMinute = minute): LogRecord {
  const batch = new ClickBatchBuilder(testDimensions);
  const click_timestamp = tenMs + minute * minuteMs;
  const dimensions = { country: "US", user_id: "u1" };
  batch.add({ ad_id: "a", click_timestamp, event_id: `e${ids++}`, dimensions });
  const receivedAtMs = tenMs + receivedMinute * minuteMs;
  return { kind: "clicks", receivedAtMs, source: "http", history: false, batch: batch.build() };
}

const tick = (minute: number): LogRecord => ({
  kind: "tick",
  receivedAtMs: tenMs + minute * minuteMs,
});

const close = (throughMinute: number): LogRecord => ({
  kind: "control",
  receivedAtMs: tenMs + 20 * minuteMs,
  control: { type: "close", id: "c", through_minute: ten + throughMinute, tz: "UTC" },
});

const range = (from: number, to: number) => ({
  from: String(tenMs + from * minuteMs),
  to: String(tenMs + to * minuteMs),
});

describe("answers about a closed period", () => {
  it("stay what they were when it was closed, also after a restart, and what follows goes on", async () => {
    await using log = await QueriedLog.open();
    const engine = await log.engine();
    await log.commit([click(0), click(5), tick(20)]);
    await log.commit([click(0, 20)]);
    const before = await engine.count({ ad_id: "a", ...range(0, 5) });
    assert.deepEqual([before.count, before.status, before.revision], [2, "restated", 1]);
    await log.commit([close(5)]);
    await log.commit([click(0, 21), click(5, 21), tick(30)]);
    const engines = [engine, await log.engine(), await log.engine({ hotBytesMax: 0 })];
    for (const asked of engines) {
      const told = async (from: number, to: number, filter?: string): Promise<unknown[]> => {
        const request = { ad_id: "a", ...range(from, to), ...(filter && { filter }) };
        const { count, status, revision } = await asked.count(request);
        return [count, status, revision];
      };
      assert.deepEqual(await told(0, 5), [2, "closed", 1]);
      assert.deepEqual(await told(0, 5, "user_id==u1"), [2, "closed", 1]);
      assert.deepEqual(await told(0, 5, "country==US"), [2, "closed", 1]);
      assert.deepEqual(await told(5, 10), [2, "restated", 1]);
      assert.deepEqual(await told(0, 10), [4, "restated", 2]);
      const top = await asked.top(range(0, 10));
      assert.deepEqual(top.ads, [{ rank: 1, ad_id: "a", count: 4 }]);
      const breakdown = await asked.breakdown({ ...range(0, 5), by: "country" });
      assert.deepEqual(
        [breakdown.rows, breakdown.status],
        [[{ country: "US", count: 2 }], "closed"],
      );
      const explain = await asked.explain({ ad_id: "a", ...range(0, 5) });
      assert.deepEqual([explain.count, explain.clicks.length, explain.status], [2, 2, "closed"]);
      assert.equal((await asked.restatements(range(0, 5))).rows.length, 2);
    }
  });

  it("as of a commit before the close are as final as they were then", async () => {
    await using log = await QueriedLog.open();
    const engine = await log.engine();
    await log.commit([click(0), tick(20)]);
    const open = await engine.count({ ad_id: "a", ...range(0, 5) });
    await log.commit([close(5)]);
    await log.commit([click(0, 21)]);
    const as_of = String(open.as_of);
    assert.deepEqual(await engine.count({ ad_id: "a", ...range(0, 5), as_of }), open);
    const closed = await engine.count({ ad_id: "a", ...range(0, 5) });
    const { as_of: later, ...rest } = closed;
    assert.deepEqual([rest.count, rest.status, rest.revision], [1, "closed", 0]);
    assert.ok(later > open.as_of);
  });

  it("are told series by series: closed, final and provisional side by side", async () => {
    await using log = await QueriedLog.open();
    const engine = await log.engine();
    await log.commit([click(0), click(1), tick(10)]);
    await log.commit([close(1)]);
    const { series, status } = await engine.count({
      ad_id: "a",
      ...range(0, 9),
      granularity: "minute",
    });
    const statuses = series!.map((point) => point.status);
    assert.deepEqual([statuses[0], statuses[1], statuses[8]], ["closed", "final", "provisional"]);
    assert.equal(status, "provisional");
  });
});
