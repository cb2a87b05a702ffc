import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { dayMs, dayOfMinute, formatDay, minuteMs, minuteOf } from "../../../src/model/time.ts";
import { rowsOfDirectDayMin } from "../../../src/store/duckdb/rows-by-table.ts";
import { Session } from "../../../src/store/duckdb/session.ts";
import { aggregateToSql } from "../../../src/store/duckdb/queries.ts";
import { identitiesOf, identitiesToSql } from "../../../src/store/duckdb/scan.ts";
import { readExtent, readOutcomes } from "../../../src/store/duckdb/read.ts";
import { recount } from "../../../src/store/duckdb/recount.ts";
import type { DecidedClick } from "../../support/store-clicks.ts";
import { CommitMaker, outcomeCounts, storeLayout } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** 2026-03-01T00:00Z */
const midnightMs = 1_772_323_200_000;

async function openSession(directory: string): Promise<Session> {
  return await Session.open({
    path: join(directory, "store.duckdb"),
    memoryBytesMax: 128_000_000,
    threads: 2,
    temporaryBytesMax: 1_000_000_000,
    readersMax: 2,
    warn: (text) => assert.fail(text),
  });
}

/** Rows of each table that has any, but for those every store has. */
async function rowsByTableName(session: Session): Promise<Record<string, number>> {
  return await session.use(async ({ engine: { maintenance } }) => {
    const tables = await maintenance.rows(
      "SELECT table_name FROM duckdb_tables() WHERE regexp_matches(table_name, '^(raw|minutes|minute_delta)_') ORDER BY 1",
    );
    const counts: Record<string, number> = {};
    for (const [name] of tables) {
      const [row] = await maintenance.rows(`SELECT count(*) FROM ${name}`);
      if (row![0] !== 0) counts[name as string] = row![0] as number;
    }
    return counts;
  });
}

let ids = 0;
const click = (timeMs: number, dimensions: Record<string, string> = {}): DecidedClick => ({
  ad_id: `ad-${ids % 3}`,
  event_id: `event ${ids++}`,
  click_timestamp: timeMs,
  dimensions,
});

describe("the tables of days", () => {
  it("take the clicks of each side of midnight, and columns as they come up", async () => {
    await using directory = await temporaryDirectory();
    const session = await openSession(directory.path);
    const maker = new CommitMaker();
    const before = [click(midnightMs - 1, { country: "DE" }), click(midnightMs - minuteMs)];
    const after = [click(midnightMs), click(midnightMs + 1)];
    await session.use(({ writer }) => writer.commit(maker.next({ clicks: [...before, ...after] })));
    assert.deepEqual(await rowsByTableName(session), {
      minute_delta_0: 4,
      raw_20260228_0: 2,
      raw_20260301_0: 2,
    });
    const layout = [...storeLayout, { name: "os", in: "raw", type: "string" } as const];
    const third = [click(midnightMs + dayMs, { os: "ios" }), click(midnightMs, { os: "ios" })];
    await session.use(({ writer }) => writer.commit(maker.next({ clicks: third, layout })));
    await session.use(({ writer }) => writer.compact(minuteOf(midnightMs)));
    await session.use(async ({ engine: { catalog } }) => {
      assert.equal(catalog.table("raw_20260301_0").has("s_os"), true);
      assert.equal(catalog.table("raw_20260302_1").has("s_os"), true);
      assert.equal(catalog.table("raw_20260228_0").has("s_os"), false);
      assert.equal(catalog.table("raw_20260228_0").has("k_country"), true);
    });
    assert.deepEqual(await rowsByTableName(session), {
      minute_delta_0: 4,
      minutes_20260228: 2,
      raw_20260228_0: 2,
      raw_20260301_0: 3,
      raw_20260302_0: 1,
    });
    await session.close();
  });

  it("alternate their parts from checkpoint to checkpoint", async () => {
    await using directory = await temporaryDirectory();
    const session = await openSession(directory.path);
    const maker = new CommitMaker();
    for (let i = 0; i < 5; i++) {
      await session.use(({ writer }) => writer.commit(maker.next({ clicks: [click(midnightMs)] })));
      await session.use(({ writer }) => writer.checkpoint());
    }
    const counts = await rowsByTableName(session);
    assert.deepEqual([counts["raw_20260301_0"], counts["raw_20260301_1"]], [3, 2]);
    await session.close();
  });

  it("can be added and checkpointed while somebody reads", async () => {
    await using directory = await temporaryDirectory();
    const session = await openSession(directory.path);
    const maker = new CommitMaker();
    const rows = Array.from({ length: 150_000 }, (_, i) => click(midnightMs + i));
    await session.use(({ writer }) => writer.commit(maker.next({ clicks: rows })));
    const scan = session.stream(({ engine: { readers, catalog } }) =>
      readers.stream(() => identitiesToSql(catalog, 0, midnightMs * 2), identitiesOf),
    );
    let read = (await scan.next()).value!.rowCount;
    await session.use(({ writer }) => writer.commit(maker.next({ clicks: [click(midnightMs)] })));
    await session.use(({ writer }) => writer.checkpoint());
    const next = [click(midnightMs + dayMs)];
    await session.use(({ writer }) => writer.commit(maker.next({ clicks: next })));
    await session.use(({ writer }) => writer.compact(minuteOf(midnightMs + dayMs)));
    // DuckDB makes no checkpoint past a schema change that a reader does not see yet; the next one is.
    await assert.rejects(
      session.use(({ writer }) => writer.checkpoint()),
      /in its way/,
    );
    for await (const chunk of scan) read += chunk.rowCount;
    assert.equal(read, rows.length);
    assert.equal((await session.use(({ writer }) => writer.checkpoint())).length, 1);
    // Three ads in three minutes.
    assert.equal((await rowsByTableName(session))["minutes_20260301"], 9);
    await session.close();
  });

  it("are there before the day begins", async () => {
    await using directory = await temporaryDirectory();
    const session = await openSession(directory.path);
    const nowMs = Date.now();
    await session.use(({ writer }) =>
      writer.commit(new CommitMaker().next({ clicks: [click(nowMs)] })),
    );
    await session.use(({ writer }) => writer.checkpoint());
    const today = dayOfMinute(minuteOf(nowMs));
    await session.use(async ({ engine: { catalog } }) => {
      assert.equal(catalog.hasTable(`raw_${formatDay(today + 1)}_1`), true);
      assert.equal(catalog.hasTable(`minutes_${formatDay(today + 1)}`), true);
    });
    await session.close();
  });

  it("are filled later where a commit spans many days, and no answer tells the difference", async () => {
    await using directory = await temporaryDirectory();
    const session = await openSession(directory.path);
    const maker = new CommitMaker();
    const dayCount = 40;
    const rare = Array.from({ length: 400 }, (_, i) =>
      click(midnightMs + (i % dayCount) * dayMs + i, { country: i % 2 === 0 ? "DE" : "US" }),
    );
    const many = Array.from({ length: rowsOfDirectDayMin }, (_, i) =>
      click(midnightMs + 7 * dayMs + i),
    );
    await session.use(({ writer }) => writer.commit(maker.next({ records: [rare, many] })));

    const ask = () =>
      session.use(async ({ engine: { readers, catalog }, probes }) => {
        const query = {
          source: "raw",
          fromMinute: minuteOf(midnightMs + dayMs),
          toMinute: minuteOf(midnightMs + 30 * dayMs),
          groupBy: ["ad_id", "country"],
          order: "key",
          limit: 100,
        } as const;
        const context = {
          catalog,
          knownKey: () => undefined,
          addressDimensions: new Set<string>(),
        };
        const { sql, values } = aggregateToSql(query, context);
        let identities = 0;
        const scan = readers.stream(
          () => identitiesToSql(catalog, midnightMs, midnightMs + 20 * dayMs),
          identitiesOf,
        );
        for await (const chunk of scan) identities += chunk.rowCount;
        const found = await probes.findIdentities({
          rowCount: rare.length,
          adKeys: Int32Array.from(rare, (row) => maker.keyOf("ad_id", row.ad_id)),
          eventIdKinds: new Uint8Array(rare.length).fill(2),
          eventIdWords: new Uint32Array(rare.length * 4),
          eventIdTexts: rare.map((row, i) => (i % 2 === 0 ? row.event_id : "no such id")),
          clickTimestamps: Float64Array.from(rare, (row) => row.click_timestamp),
        });
        return await readers.use(async (connection) => ({
          rows: await connection.rows(sql, values),
          identities,
          found: found.reduce((sum, flag) => sum + flag, 0),
          outcomes: await readOutcomes(connection, catalog, {
            partition: 0,
            offset: 0,
            fromRow: 10,
            toRow: 390,
          }),
          extent: await readExtent(connection, catalog),
          recount: await recount(connection, catalog, { fromMinute: 0, toMinute: 50_000_000 }, 10),
        }));
      });
    const before = await ask();
    assert.equal(before.recount.comparedClicks, 400 + rowsOfDirectDayMin);
    assert.equal(before.recount.differingRows, 0);
    assert.deepEqual(before.outcomes, outcomeCounts({ counted: 380 }));
    assert.equal(before.identities, 200 + rowsOfDirectDayMin);
    assert.equal(before.found, 200);
    const scattered = await rowsByTableName(session);
    assert.equal(scattered["raw_scattered_0"], 390);
    assert.equal(scattered["raw_20260308_0"], 10 + rowsOfDirectDayMin);

    // The first compaction sees them come, the second that no more came.
    for (let round = 0; round < 2; round++) {
      await session.use(({ writer }) => writer.compact(50_000_000));
      assert.deepEqual(await ask(), before);
    }
    const settled = await rowsByTableName(session);
    assert.equal(settled["raw_scattered_0"], undefined);
    assert.equal(settled["minute_delta_0"], undefined);
    assert.equal(settled["raw_20260301_0"], 10);
    await session.use(({ writer }) => writer.checkpoint());
    await session.close();

    const again = await openSession(directory.path);
    assert.deepEqual(await rowsByTableName(again), settled);
    await again.close();
  });
});
