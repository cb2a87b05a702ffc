import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";
import { minuteMs, minuteOf } from "../../src/model/time.ts";
import type { ChangedRow, ChangesPage, ChangesPlace } from "../../src/query/changes-page.ts";
import type { QueryEngine } from "../../src/query/query-engine.ts";
import type { ChangesQuery } from "../../src/store/changes.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import { eventually } from "../support/eventually.ts";
import { randomLog, testConfig } from "../support/random-clicks.ts";
import { QueriedLog } from "./engine-fixture.ts";

const tenMs = Date.parse("2026-01-15T10:00:00Z");
let nextId = 0;

function record(layout: DimensionLayout, ads: readonly string[], dimensions = {}): LogRecord {
  const batch = new ClickBatchBuilder(layout);
  for (const ad_id of ads)
    batch.add({ ad_id, click_timestamp: tenMs, event_id: `e${nextId++}`, dimensions });
  return {
    kind: "clicks",
    receivedAtMs: tenMs,
    source: "http",
    history: false,
    batch: batch.build(),
  };
}

/** From a mark to the next one, in pages. */
async function round(
  engine: QueryEngine,
  since: string,
  limit: number,
  between: (page: ChangesPage) => Promise<void> = async () => {},
): Promise<{ rows: ChangedRow[]; since: string; pages: number }> {
  const rows: ChangedRow[] = [];
  let place: ChangesPlace | undefined;
  for (let pages = 1; ; pages++) {
    const page: ChangesPage = await engine.changes({ since, limit, ...(place && { place }) });
    assert.ok(page.rows.length <= limit);
    rows.push(...page.rows);
    if (page.mark) return { rows, since: page.mark.since, pages };
    ({ place } = page);
    await between(page);
  }
}

describe("changes", () => {
  for (const limit of [3, 50, 5000]) {
    it(`in pages of ${limit} give the table that the log comes to, whatever comes between two`, async () => {
      await using log = await QueriedLog.open();
      const engine = await log.engine();
      const records = randomLog(11, { recordCount: 60 });
      const table = new Map<string, number>();
      const take = (rows: readonly ChangedRow[]): void => {
        for (const { minute, ad_id, country, device, count } of rows)
          table.set(JSON.stringify([minute, ad_id, country, device]), Number(count));
      };
      let since = "0";
      let pages = 0;
      let rounds = 0;
      while (records.length > 0) {
        await log.commit(records.splice(0, 4));
        const told = await round(engine, since, limit, async () => {
          if (records.length > 0 && pages++ % 5 === 0) await log.commit(records.splice(0, 1));
        });
        take(told.rows);
        ({ since } = told);
        const { watermarkMs } = log.folded.commits.at(-1)!.progress;
        if (rounds++ % 4 === 3) await log.store.compact(minuteOf(watermarkMs) - 1);
      }
      take((await round(engine, since, limit)).rows);
      const extent = (await log.store.extent())!;
      const whole = { fromMinute: extent.firstMinute, toMinute: extent.lastMinute + 1 };
      const minutes = Array.from(
        { length: whole.toMinute - whole.fromMinute },
        (_, i) => whole.fromMinute + i,
      );
      const cells = log.oracle.breakdown(whole, ["ad_id", "country", "device"], minutes);
      const expected = cells.map(({ bucketStart, group, count }) => {
        const minute = new Date(bucketStart * minuteMs).toISOString().replace(".000Z", "Z");
        return [JSON.stringify([minute, ...group]), count] as const;
      });
      assert.ok(expected.length > 50, `only ${expected.length} cells`);
      assert.deepEqual([...table].toSorted(), expected.toSorted());
    });
  }

  it("of a round end with its own commit, and what came meanwhile is told by the next", async () => {
    await using log = await QueriedLog.open();
    const engine = await log.engine();
    const { dimensions } = testConfig;
    await log.commit([record(dimensions, ["a", "b", "c", "d"])]);
    const first = await round(engine, "0", 2, async ({ place }) => {
      if (place.rest?.after?.adKey === 2) await log.commit([record(dimensions, ["a"])]);
    });
    assert.deepEqual(
      first.rows.map(({ ad_id, count }) => [ad_id, count]),
      ["a", "b", "c", "d"].map((ad) => [ad, 1]),
    );
    assert.match(first.since, /^2-/);
    const second = await round(engine, first.since, 2);
    assert.deepEqual(
      second.rows.map(({ ad_id, count, as_of: asOf }) => [ad_id, count, asOf]),
      [["a", 2, 3]],
    );
  });

  it("have the dimensions of their minute, and members of their own where a dimension has another's name", async () => {
    const config: SemanticConfig = {
      ...testConfig,
      dimensions: [
        { name: "count", in: "minute", type: "string" },
        { name: "os", in: "minute", type: "string" },
        { name: "user_id", in: "raw", type: "string" },
      ],
    };
    await using log = await QueriedLog.open(config);
    const engine = await log.engine();
    await log.commit([record(config.dimensions, ["a"], { count: "many", user_id: "u1" })]);
    const { rows } = await round(engine, "0", 10);
    assert.deepEqual(rows, [
      {
        minute: "2026-01-15T10:00:00Z",
        ad_id: "a",
        "dimensions.count": "many",
        os: null,
        count: 1,
        as_of: 2,
      },
    ]);
  });

  it("are read once for all who ask the same, but never from before the commit that is marked", async () => {
    await using log = await QueriedLog.open();
    const asked: (() => void)[] = [];
    const store = Object.create(log.store, {
      changes: {
        value: async (query: ChangesQuery) => {
          // What it saw is old by the time it is told.
          const seen = await log.store.changes(query);
          await new Promise<void>((resolve) => asked.push(resolve));
          return seen;
        },
      },
    }) as ClickStore;
    const newer = { wait: async () => true };
    const engine = await log.engine({
      store,
      changes: { newer, turns: { take: (read) => read() } },
    });
    const { dimensions } = testConfig;
    await log.commit([record(dimensions, ["a"])]);
    const early = [1, 2].map(() => engine.changes({ place: { since: 1 } }));
    await eventually("both are asked for", () => (asked.length > 0 ? true : undefined));
    await log.commit([record(dimensions, ["a"])]);
    const late = engine.changes({ place: { since: 1 } });
    await eventually("the later one is asked for", () => (asked.length > 1 ? true : undefined));
    for (const answer of asked) answer();
    const pages = await Promise.all([...early, late]);
    assert.deepEqual(
      pages.map(({ rows, mark }) => [rows.map(({ count }) => count), mark?.as_of]),
      [
        [[1], 2],
        [[1], 2],
        [[2], 3],
      ],
    );
    assert.equal(asked.length, 2);
  });

  it("wait where all is told, and say when nothing came", async () => {
    await using log = await QueriedLog.open();
    const waits: [number, number][] = [];
    const newer = {
      wait: async (sequence: number, timeoutMs: number) => {
        waits.push([sequence, timeoutMs]);
        return false;
      },
    };
    const engine = await log.engine({ changes: { newer, turns: { take: (read) => read() } } });
    const place = { since: 1 };
    assert.deepEqual(await engine.changes({ place, waitMs: 5 }), { rows: [], place });
    assert.deepEqual(waits, [[1, 5]]);
  });

  for (const [what, filter, code] of [
    ["a raw dimension", "country==US;user_id==u1", "unknown_dimension"],
    ["an attribute of ads", "ad.campaign_id==c1", "unknown_dimension"],
    ["an unknown dimension", "nosuch==1", "unknown_dimension"],
    ["what is no filter", "country==", "invalid_filter"],
  ] as const) {
    it(`can't be filtered by ${what}`, async () => {
      await using log = await QueriedLog.open();
      const engine = await log.engine();
      await assert.rejects(engine.changes({ filter }), { code, field: "filter" });
      if (what.startsWith("a"))
        await assert.rejects(engine.changes({ filter }), /ad_id, country, device/);
    });
  }
});
