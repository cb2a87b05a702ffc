import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../src/clock/system-clock.ts";
import { Member } from "../../src/order/member.ts";
import { OrderReader } from "../../src/order/order-reader.ts";
import type { Commit, MinuteDeltas } from "../../src/model/commit.ts";
import { movesCounts } from "../../src/model/commit.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";
import {
  followClickHouseStore,
  openClickHouseStore,
  orderLogs,
} from "../support/clickhouse-store.ts";

import { Random } from "../../src/traffic/random.ts";
import { click, hour, noon } from "../contract/click-store/harness.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";
import { commitAll } from "../support/commit-all.ts";
import { eventually } from "../support/eventually.ts";
import type { CommitParts } from "../support/store-clicks.ts";
import { CommitMaker, storeLayout } from "../support/store-clicks.ts";

let server: ClickHouseServer;
before(async () => {
  server = await ClickHouseServer.start();
});
after(() => server[Symbol.asyncDispose]());

let databases = 0;
const newDatabase = () => ({ urls: [server.url], database: `followed_${++databases}` });

/** All that queries read of a commit, in plain words. */
function told(commit: Commit): unknown {
  const { dictionaries, minutes, ledger } = commit;
  return {
    sequence: commit.sequence,
    committedAtMs: commit.committedAtMs,
    progress: commit.progress,
    dictionaries: dictionaries
      .flatMap(({ dictionary, firstKey, values }) =>
        values.map((value, i) => `${dictionary} ${firstKey + i} ${value}`),
      )
      .toSorted(),
    minutes: rowsOf(minutes).toSorted(),
    ledger: ledger.map(({ source, receivedMinute, received, outcomes }) => ({
      where: [source, receivedMinute],
      received,
      outcomes: Object.fromEntries(Object.entries(outcomes).filter(([, count]) => count !== 0)),
    })),
    restatements: commit.restatements,
    closes: commit.closes.map(({ id, throughMinute }) => [id, throughMinute]),
    layoutChanges: commit.layoutChanges.map(({ id, dimensions }) => [id, dimensions]),
    droppedDays: commit.droppedDays.map(({ day, what }) => [day, what]),
    configs: commit.configs,
    movesCounts: movesCounts(commit),
  };
}

function rowsOf(minutes: MinuteDeltas): string[] {
  return Array.from({ length: minutes.rowCount }, (_, row) => {
    // A dimension that nobody has a value of may be left out.
    const keys = [...minutes.dimensionKeys]
      .map(([name, own]) => [name, own[row]!] as const)
      .filter(([, key]) => key !== 0);
    return [
      minutes.minutes[row],
      minutes.adKeys[row],
      minutes.counts[row],
      minutes.restated[row],
      ...keys.toSorted().flat(),
    ].join(" ");
  });
}

/** As many rows, of one ad. */
function minutesOf(rowCount: number, adKey: number): MinuteDeltas {
  return {
    rowCount,
    minutes: new Int32Array(rowCount).fill(noon),
    adKeys: new Int32Array(rowCount).fill(adKey),
    dimensionKeys: new Map(),
    counts: new Int32Array(rowCount).fill(1),
    restated: new Uint8Array(rowCount),
  };
}

/** What a commit may bring besides clicks. */
function randomParts(random: Random, i: number): CommitParts {
  const id = `of-${i}`;
  const partition = random.below(2);
  const own = { partition, watermarkMs: random.pick([-Infinity, 1_000 * i]) };
  const clicks = Array.from({ length: random.below(40) }, () =>
    click(`ad-${random.below(5)}`, random.below(60), {
      ...(random.chance(0.7) && { country: random.pick(["US", "DE"]) }),
      ...(random.chance(0.3) && { device: random.pick(["tv", "a phone"]) }),
    }),
  );
  const config: SemanticConfig = {
    generation: i + 1,
    fromMinute: i,
    dimensions: storeLayout,
    adAttributes: ["owner"],
    outOfOrdernessMs: 15_000,
    allowedLatenessMs: 60_000,
    idleLagMs: 15_000,
    dedupHorizonMs: 86_400_000,
    dedupRecentMs: 3_600_000,
    late: "restate",
  };
  return random.pick<() => CommitParts>([
    () => ({ ...own, clicks }),
    () => ({ ...own, clicks, source: "another" }),
    () => ({
      ...own,
      clicks: [click("ad-1", 3, { country: "US" }, { outcome: "restated" })],
      restatements: [
        {
          adId: "ad-1",
          minute: noon + 3,
          before: i,
          after: i + 1,
          revision: i + 1,
          reason: "late",
          receivedAtMs: 1_000_000,
        },
      ],
    }),
    () => ({ ...own, configs: [config] }),
    () => ({
      ...own,
      closes: [{ id, throughMinute: i, tz: "UTC", partition, receivedAtMs: 1_000_000 }],
    }),
    () => ({
      ...own,
      layoutChanges: [
        { id, partition, fromMinute: noon, toMinute: noon + 1, dimensions: ["country"] },
      ],
    }),
    () => ({ ...own, droppedDays: [{ partition, day: i, what: "raw", receivedDay: i }] }),
    () => ({
      ...own,
      adAttributes: [{ ad_id: "ad-2", attributes: { owner: id }, valid_from_minute: 0 }],
    }),
    () => ({
      ...own,
      erasures: [{ field: "user_id", values: ["u"], adKeys: [], inMinutes: random.chance(0.5) }],
    }),
  ])();
}

describe("a ClickHouse store that is followed", () => {
  it("tells every commit as it was, once and in order, whoever made it", async (context) => {
    const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1e9);
    context.diagnostic(`TEST_SEED=${seed} makes the same choices again`);
    const random = new Random(seed);
    const options = newDatabase();
    await assert.rejects(followClickHouseStore(options), { code: "store_unavailable" });
    const maker = new CommitMaker();
    const made: Commit[] = [];
    let store = await openClickHouseStore(options);
    await store.commit(maker.next({ clicks: [click("ad-0", 0)] }));
    await using followed = await followClickHouseStore(options);
    const start = await followed.recover();
    assert.deepEqual([start.sequence, start.dictionaries.get("ad_id")], [1, ["ad-0"]]);
    assert.deepEqual(await followed.newer(), []);
    const seen: Commit[] = [];
    let largest = 0;
    for (let i = 0; i < 40; i++) {
      const together = Array.from({ length: 1 + random.below(4) }, (_, j) =>
        maker.next(randomParts(random, 4 * i + j)),
      );
      for (const count of await commitAll(store, together)) largest = Math.max(largest, count);
      made.push(...together);
      if (random.chance(0.3)) seen.push(...(await followed.newer()));
      if (!random.chance(0.1)) continue;
      await store[Symbol.asyncDispose]();
      store = await openClickHouseStore(options);
    }
    seen.push(...(await followed.newer()));
    assert.deepEqual(seen.map(told), made.map(told));
    assert.ok(largest > 1, "none went through together");
    assert.deepEqual(await followed.newer(), []);
    for (const groupBy of [["ad_id"], ["ad_id", "country"], ["device"]]) {
      const query = { ...hour, source: "minute", groupBy, order: "key" } as const;
      assert.deepEqual(await followed.aggregate(query), await store.aggregate(query));
    }
    await using late = await followClickHouseStore(options);
    assert.deepEqual(await late.recover(), await store.recover());
    await store[Symbol.asyncDispose]();
  });

  it("tells what came in a long absence in pieces that memory has room for", async () => {
    const options = newDatabase();
    const maker = new CommitMaker();
    await using store = await openClickHouseStore(options);
    await store.commit(maker.next({ clicks: [click("ad-0", 0)] }));
    await using followed = await followClickHouseStore(options);
    assert.equal(followed.hasMore, false);
    // The third alone is more than a piece.
    const sizes = [90_000, 90_000, 250_000, 5, 10, 90_000];
    const adKey = maker.keyOf("ad_id", "ad-0");
    for (const size of sizes) await store.commit(maker.next({ minutes: minutesOf(size, adKey) }));
    const pieces: number[][] = [];
    do {
      const commits = await followed.newer();
      pieces.push(commits.map(({ minutes }) => minutes.rowCount));
    } while (followed.hasMore);
    assert.deepEqual(pieces, [[90_000, 90_000], [250_000], [5, 10, 90_000]]);
    assert.deepEqual(await followed.newer(), []);
    const query = { ...hour, source: "minute", groupBy: ["ad_id"], order: "key" } as const;
    assert.deepEqual(await followed.aggregate(query), await store.aggregate(query));
  });

  it("tells nothing of a commit before all that come before it are decided, and nothing that a void one brought", async () => {
    const options = newDatabase();
    const maker = new CommitMaker();
    await using store = await openClickHouseStore({ ...options, partitionCount: 2 });
    await store.commit(maker.next({ clicks: [click("a", 1)] }));
    await using followed = await followClickHouseStore(options);
    await using log = await orderLogs(options.database).open();
    const reader = await OrderReader.open(log, undefined);
    const other = { clock: systemClock, reader, instance: "other", partitionCount: 2 };
    const member = await Member.enter(other);
    const [partition] = [...member.terms.keys()];
    await member.reserve([{ partition: partition!, fromOffset: 0, nextOffset: 1 }]);
    await store.commit(maker.next({ clicks: [click("b", 2)] }));
    assert.deepEqual(await followed.newer(), []);
    // What was written under the sequence of the other.
    const { database } = options;
    for (const table of ["click", "minute_count", "dictionary", "commit_log"])
      await server.query(
        `INSERT INTO ${database}.${table} SELECT * REPLACE (2 AS sequence) FROM ${database}.${table} WHERE sequence = 3`,
      );
    await member.leave();
    const commits = await followed.newer();
    assert.deepEqual(
      commits.map(({ sequence, dictionaries, minutes }) => [
        sequence,
        dictionaries.flatMap(({ values }) => values),
        minutes.rowCount,
      ]),
      [
        [2, [], 0],
        [3, ["b"], 1],
      ],
    );
    const query = { ...hour, source: "raw", groupBy: ["ad_id"], order: "key" } as const;
    const { rows, asOf } = await followed.aggregate(query);
    assert.deepEqual(
      [rows.map(({ group, count }) => [group[0], count]), asOf],
      [
        [
          ["a", 1],
          ["b", 1],
        ],
        3,
      ],
    );
  });

  it("gives the texts of two that count the same keys wherever they are read", async () => {
    const options = { ...newDatabase(), partitionCount: 2 };
    await using first = await openClickHouseStore({ ...options, instance: "first" });
    await using second = await openClickHouseStore({ ...options, instance: "second" });
    await using followed = await followClickHouseStore(options);
    const [one, other] = [new CommitMaker(), new CommitMaker()];
    const clicks = (ad: string, ...countries: string[]) =>
      countries.map((country, i) => click(ad, i, { country }));
    await second.commit(other.next({ partition: 1, clicks: clicks("b", "DE", "US") }));
    await first.commit(one.next({ partition: 0, clicks: clicks("a", "FR", "US", "DE") }));
    await second.commit(other.next({ partition: 1, clicks: clicks("b", "FR", "IT") }));
    assert.equal((await followed.newer()).length, 3);
    await using late = await followClickHouseStore(options);
    for (const store of [followed, late]) {
      const { dictionary } = store;
      const known = ["DE", "US", "FR", "IT"].map((text) => dictionary.key("country", text));
      assert.deepEqual(known, [1, 2, 3, 4]);
      assert.deepEqual(
        ["b", "a"].map((text) => dictionary.key("ad_id", text)),
        [1, 2],
      );
      const rows: string[] = [];
      for await (const chunk of store.scanMinutes(noon, noon + 60))
        for (let row = 0; row < chunk.rowCount; row++) {
          const key = chunk.dimensionKeys.get("country")![row]!;
          const ad = dictionary.text("ad_id", chunk.adKeys[row]!);
          rows.push(`${ad} ${dictionary.text("country", key)} ${chunk.counts[row]}`);
        }
      assert.deepEqual(rows.toSorted(), [
        "a DE 1",
        "a FR 1",
        "a US 1",
        "b DE 1",
        "b FR 1",
        "b IT 1",
        "b US 1",
      ]);
    }
  });

  it("notices that the database was made anew, or lacks what counts", async () => {
    const options = newDatabase();
    const { database } = options;
    {
      await using store = await openClickHouseStore(options);
      const maker = new CommitMaker();
      await store.commit(maker.next({ clicks: [click("a", 1)] }));
      await using back = await followClickHouseStore(options);
      await store.commit(maker.next({ clicks: [click("b", 1)] }));
      await server.query(`DELETE FROM ${database}.commit_log WHERE sequence = 2`);
      await assert.rejects(back.newer(), { code: "data_corrupt" });
    }
    await using anew = await followClickHouseStore(options);
    await server.query(`DROP DATABASE ${database} SYNC`);
    await assert.rejects(anew.newer(), { code: "storage_failed" });
    await assert.rejects(openClickHouseStore(options), { code: "data_corrupt" });
    await assert.rejects(anew.newer(), { code: "data_corrupt" });
  });

  it("has not moved where it could not be asked", async () => {
    const options = newDatabase();
    const maker = new CommitMaker();
    await using store = await openClickHouseStore(options);
    await store.commit(maker.next({ clicks: [click("a", 1)] }));
    await using followed = await followClickHouseStore(options);
    await store.commit(maker.next({ clicks: [click("b", 1)] }));
    await server.kill();
    await assert.rejects(followed.newer(), { code: "store_unavailable" });
    await server.restart();
    const commits = await eventually("it is there again", () => followed.newer());
    assert.deepEqual(
      commits.map(({ sequence }) => sequence),
      [2],
    );
  });
});
