import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { copyStore } from "../../src/migrate/copy-store.ts";
import { compareStores } from "../../src/migrate/compare-stores.ts";
import { factsAfterMove, progressAfterMove } from "../../src/migrate/facts-after-move.ts";
import { firstMovedPartition, movedPartition, partitionOf } from "../../src/model/partition.ts";
import { dayMs, minuteMs } from "../../src/model/time.ts";
import type { ClickStoreReader } from "../../src/store/click-store.ts";
import { partitionToSql } from "../../src/store/clickhouse/moved-partitions.ts";
import { openMoveTarget } from "../../src/store/clickhouse/move-target.ts";
import { foundingNote } from "../../src/store/ordered/share-database.ts";
import { closedPeriods, visibilityOf } from "../../src/store/closed-periods.ts";
import { openDuckDbStore } from "../../src/store/duckdb/duckdb-store.ts";
import type { MovePlan } from "../../src/store/store-moves.ts";
import type { Visibility } from "../../src/store/visibility.ts";
import { Random } from "../../src/traffic/random.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";
import { openClickHouseStore } from "../support/clickhouse-store.ts";
import type { CommitParts } from "../support/store-clicks.ts";
import { CommitMaker } from "../support/store-clicks.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const encoder = new TextEncoder();
const partitionsBefore = 2;
const partitions = 3;

const partitionAmong = (count: number, adId: string): number =>
  partitionOf(encoder.encode(adId), count);

/** An ad of this partition of before and this one of now. */
function adOf(was: number, is: number): string {
  for (let i = 0; ; i++) {
    const adId = `ad-${i}`;
    if (partitionAmong(partitionsBefore, adId) !== was) continue;
    if (partitionAmong(partitions, adId) === is) return adId;
  }
}

const [a, b] = [adOf(0, 0), adOf(1, 2)];
const minute = 20_000_000;
const throughMinute = minute + 10;

const clicks = (adId: string, count: number, outcome: "counted" | "restated", mark: string) =>
  Array.from({ length: count }, (_, i) => ({
    ad_id: adId,
    event_id: `${adId}-${mark}-${i}`,
    click_timestamp: minute * minuteMs + i,
    dimensions: { country: i % 2 === 0 ? "DE" : "US", user_id: `u${i}`, ip: `10.0.0.${i}` },
    outcome,
  }));

const close = (id: string, partition: number, through = throughMinute) =>
  ({ id, throughMinute: through, tz: "UTC", partition, receivedAtMs: 5 }) as const;

const layoutChange = {
  id: "r",
  partition: 0,
  fromMinute: minute + 20,
  toMinute: minute + 30,
  dimensions: ["country"],
};

/** The partitions seal the period one after the other, and clicks for it come before, between and after. */
const commits: readonly CommitParts[] = [
  { partition: 0, clicks: clicks(a, 4, "counted", "first"), watermarkMs: 1e12 },
  { partition: 1, clicks: clicks(b, 5, "counted", "first"), watermarkMs: 2e12 },
  { partition: 0, closes: [close("one", 0)], watermarkMs: 1e12 },
  { partition: 0, clicks: clicks(a, 2, "restated", "between"), watermarkMs: 1e12 },
  { partition: 1, clicks: clicks(b, 3, "restated", "between"), watermarkMs: 2e12 },
  { partition: 1, closes: [close("one", 1)], watermarkMs: 2e12 },
  { partition: 1, clicks: clicks(b, 1, "restated", "after"), watermarkMs: 2e12 },
  { partition: 0, layoutChanges: [layoutChange], watermarkMs: 1e12 },
  {
    partition: 0,
    droppedDays: [{ partition: 0, day: 9_000, what: "raw", receivedDay: 9_001 }],
    watermarkMs: 1.5e12,
  },
];

async function countsOf(
  store: ClickStoreReader,
  source: "raw" | "minute",
  visibility?: Visibility,
): Promise<Record<string, number>> {
  const { rows } = await store.aggregate({
    source,
    fromMinute: minute,
    toMinute: minute + 1,
    groupBy: ["ad_id"],
    order: "key",
    limit: 10,
    ...(visibility && { visibility }),
  });
  return Object.fromEntries(rows.map(({ group, count }) => [group[0], count]));
}

describe("a store that was moved into ClickHouse", () => {
  let server: ClickHouseServer;
  before(async () => {
    server = await ClickHouseServer.start();
  });
  after(() => server[Symbol.asyncDispose]());

  it("knows of each ad which partition of now it is of", async () => {
    const random = new Random(3);
    const letters = [..."abcXYZ019-_. äöß漢字🙂"];
    const adIds = Array.from({ length: 300 }, () =>
      Array.from({ length: 1 + random.below(40) }, () => random.pick(letters)).join(""),
    );
    for (const count of [1, 2, 3, 7, 8, 64]) {
      const list = adIds.map((adId) => `'${adId}'`).join(", ");
      const found = await server.query(
        `SELECT ${partitionToSql(count)} FROM (SELECT arrayJoin([${list}]) AS ad_id)`,
      );
      assert.deepEqual(
        found.split("\n").map(Number),
        adIds.map((adId) => partitionAmong(count, adId)),
      );
    }
  });

  it("shows of what was closed what each partition of before had sealed, and finds clicks by the partition of now", async () => {
    await using directory = await temporaryDirectory();
    await using source = await openDuckDbStore({
      path: join(directory.path, "store.duckdb"),
      memoryBytesMax: 256e6,
      threads: 1,
    });
    const maker = new CommitMaker();
    for (const parts of commits) await source.commit(maker.next(parts));
    const recovered = await source.recover();
    const plan: MovePlan = {
      source: "s",
      sequence: recovered.sequence,
      partitionsBefore,
      partitions,
    };
    const options = { urls: [server.url], database: "moved" };
    const moves = source.moves();
    const spans = await moves.spans();
    {
      await using target = await openMoveTarget(options, plan, moves.dimensions);
      const facts = {
        ...factsAfterMove(recovered, plan),
        progress: progressAfterMove(moves.rows("commit_log"), plan),
      };
      await copyStore({ source: moves, target, facts, spans, onRows: () => {} });
      const copy = await target.open();
      const compare = () =>
        compareStores({ source, moves, target: copy, plan, spans, onRows: () => {} });
      const compared = await compare();
      assert.deepEqual(compared.differences, []);
      assert.deepEqual([compared.clicks, compared.recountedRows > 0], [15, true]);
      await server.query(
        "INSERT INTO moved.ledger (received_minute, source, received) VALUES (16, 'x', 1)",
      );
      await server.query(
        "INSERT INTO moved.restatement (minute, ad_id, revision, sequence) VALUES (20000000, 'x', 9, 5)",
      );
      const bent = await compare();
      assert.deepEqual(
        bent.differences.map((line) => line.replace(/ .*/s, "")),
        ["journal", "ledger", "rows"],
      );
      await target.putRows("ledger", moves.rows("ledger"));
      await server.query(
        "ALTER TABLE moved.restatement DELETE WHERE ad_id = 'x' SETTINGS mutations_sync = 1",
      );
      const founding = { database: target.id, secret: "00".repeat(32) };
      await target.finish(new Map([foundingNote(founding)]));
    }
    await using store = await openClickHouseStore({ ...options, partitionCount: partitions });
    const moved = await store.recover();
    const sealed = { [a]: 4, [b]: 8 };
    const now = { [a]: 6, [b]: 9 };
    const shownBefore = visibilityOf(closedPeriods(recovered.closes, partitionsBefore));
    const visibility = visibilityOf(closedPeriods(moved.closes, partitions));
    for (const kind of ["raw", "minute"] as const) {
      assert.deepEqual(await countsOf(source, kind, shownBefore), sealed);
      assert.deepEqual(await countsOf(store, kind, visibility), sealed);
      assert.deepEqual(await countsOf(store, kind), now);
    }
    assert.deepEqual(
      moved.progress.map(({ nextOffset, watermarkMs }) => [nextOffset, watermarkMs]),
      Array.from({ length: partitions }, () => [0, 2e12]),
    );
    // As of a commit of before finality is that of the slowest partition of before.
    assert.deepEqual(
      (await store.snapshotAt(7))!.progress.map(({ watermarkMs }) => watermarkMs),
      [1e12, 1e12, 1e12],
    );
    assert.deepEqual(
      moved.layoutChanges.map(({ partition }) => partition),
      [0, 2],
    );
    assert.deepEqual(
      moved.droppedDays.map(({ partition }) => partition),
      [0, 1, 2],
    );
    const ofPartition = async (partition: number) =>
      await store.recordedClicks({ partition, outcomes: ["counted", "restated"] });
    const found = await Promise.all([0, 1, 2].map(ofPartition));
    assert.deepEqual(
      found.map((own) => own.length),
      [6, 0, 9],
    );
    assert.deepEqual(
      new Set(found.flat().map(({ partition }) => partition)),
      new Set([movedPartition(0), movedPartition(1)]),
    );
    const receipts = await store.newestReceipts(1, Math.floor((minute * minuteMs) / dayMs) + 1);
    assert.equal(receipts.length, 1, "a day with clicks of before is any partition's");

    // A click of before is voided between the seals of a period that is closed now: the period shows it still.
    const click = found[0]![0]!;
    const later = new CommitMaker();
    later.resume(moved.sequence, 0, moved.dictionaries);
    const through = throughMinute + 10;
    const change = { ...click, before: click.outcome, after: "voided" } as const;
    const minutes = {
      rowCount: 1,
      minutes: Int32Array.of(minute),
      adKeys: Int32Array.of(click.adKey),
      dimensionKeys: new Map([["country", Int32Array.of(click.dimensionKeys["country"]!)]]),
      counts: Int32Array.of(-1),
      restated: Uint8Array.of(1),
    };
    const more: CommitParts[] = [
      { partition: 0, closes: [close("two", 0, through)] },
      { partition: 0, outcomeChanges: [change], minutes },
      { partition: 1, closes: [close("two", 1, through)] },
      { partition: 2, closes: [close("two", 2, through)] },
    ];
    for (const parts of more) {
      later.goOn(parts.partition!, 1 + more.indexOf(parts));
      await store.commit(later.next({ ...parts, watermarkMs: 2e12 }));
    }
    const [, second] = closedPeriods((await store.recover()).closes, partitions);
    const shown = visibilityOf([second!]);
    for (const kind of ["raw", "minute"] as const) {
      assert.deepEqual(await countsOf(store, kind, shown), now, kind);
      assert.deepEqual(await countsOf(store, kind), { ...now, [a]: 5 }, kind);
    }
    assert.ok(click.partition >= firstMovedPartition);
  });

  it("is not moved into where the store has commits of its own, and begins anew where the source went on", async () => {
    const plan: MovePlan = { source: "s", sequence: 3, partitionsBefore: 1, partitions: 1 };
    const dimensions = { click: [], minute: [], addresses: [] };
    const own = { urls: [server.url], database: "own" };
    {
      await using _ = await openClickHouseStore({ ...own, partitionCount: 1 });
    }
    await assert.rejects(openMoveTarget(own, plan, dimensions), { code: "already_exists" });
    const options = { urls: [server.url], database: "begun" };
    {
      await using target = await openMoveTarget(options, plan, dimensions);
      await target.noteStep("books");
    }
    await assert.rejects(openClickHouseStore({ ...options, partitionCount: 1 }), {
      code: "move_unfinished",
    });
    {
      await using target = await openMoveTarget(options, plan, dimensions);
      assert.deepEqual([...target.stepsDone], ["books"]);
    }
    await assert.rejects(openMoveTarget(options, { ...plan, source: "other" }, dimensions), {
      code: "already_exists",
    });
    await using anew = await openMoveTarget(options, { ...plan, sequence: 4 }, dimensions);
    assert.deepEqual([anew.stepsDone.size, anew.isFinished], [0, false]);
  });
});
