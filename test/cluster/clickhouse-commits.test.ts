import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { shareClickHouse } from "../../src/store/clickhouse/shared-database.ts";
import {
  followClickHouseStore,
  openClickHouseStore,
  orderLogs,
  sharedOptions,
} from "../support/clickhouse-store.ts";
import { Random } from "../../src/traffic/random.ts";
import { click } from "../contract/click-store/harness.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { CommitMaker } from "../support/store-clicks.ts";
import { isCounted, untilCommitted } from "./until-committed.ts";

let server: ClickHouseServer;
before(async () => {
  server = await ClickHouseServer.start();
});
after(() => server[Symbol.asyncDispose]());

const commitCount = 40;
const commitsTogether = 3;
let databases = 0;
const newDatabase = (): string => `commits_${++databases}`;

function open(database: string, url = server.url): ReturnType<typeof openClickHouseStore> {
  return openClickHouseStore({ urls: [url], database });
}

describe("commits to ClickHouse", () => {
  it("are counted once through connections that are cut in the middle of anything, and merges at any moment", async (context) => {
    const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1e9);
    context.diagnostic(`seed ${seed}`);
    const random = new Random(seed);
    const database = newDatabase();
    await using proxy = await CuttingProxy.start(Number(new URL(server.url).port), () =>
      random.below(random.pick([5_000, 100_000])),
    );
    const maker = new CommitMaker();
    const expected = new Map<string, number>();
    const opening = (): Promise<Awaited<ReturnType<typeof open>>> =>
      eventually("it opens", async () => {
        await server.revive();
        return await open(database, proxy.url);
      });
    let store = await opening();
    let failures = 0;
    for (let i = 0; i < commitCount; i++) {
      const together = Array.from({ length: commitsTogether }, (_, partition) => {
        const clicks = Array.from({ length: 1 + random.below(30) }, () =>
          click(`ad-${random.below(5)}`, random.below(60), { country: random.pick(["US", "DE"]) }),
        );
        for (const { ad_id } of clicks) expected.set(ad_id, (expected.get(ad_id) ?? 0) + 1);
        return maker.next({ clicks, partition });
      });
      failures += await untilCommitted(store, together, () => server.revive());
      if (random.chance(0.2))
        await server.query(
          `OPTIMIZE TABLE ${database}.${random.pick(["click", "minute_count", "ledger", "commit_log"])} FINAL`,
        );
      if (!random.chance(0.1)) continue;
      await store[Symbol.asyncDispose]();
      store = await opening();
      maker.numberFrom((await store.recover()).sequence);
    }
    assert.ok(failures >= 10, `only ${failures} commits failed on the way`);
    context.diagnostic(`${failures} failures, ${proxy.cuts} cuts`);
    await store[Symbol.asyncDispose]();
    await using reopened = await open(database);
    await isCounted(reopened, expected);
    const { sequence, progress } = await reopened.recover();
    assert.ok(sequence >= commitCount * commitsTogether, `${sequence} commits`);
    assert.deepEqual(
      progress.map(({ nextOffset }) => nextOffset),
      Array.from({ length: commitsTogether }, () => commitCount),
    );
  });

  it("are counted once through kill -9 of the server", async (context) => {
    const database = newDatabase();
    const maker = new CommitMaker();
    const expected = new Map<string, number>();
    await using store = await open(database);
    let failures = 0;
    for (let i = 0; i < 12; i++) {
      const clicks = Array.from({ length: 500 }, (_, row) => click(`ad-${row % 7}`, row % 60));
      for (const { ad_id } of clicks) expected.set(ad_id, (expected.get(ad_id) ?? 0) + 1);
      const commit = maker.next({ clicks });
      if (i % 3 !== 1) {
        await store.commit(commit);
        continue;
      }
      const committing = untilCommitted(store, [commit], () => server.revive());
      await new Promise((resolve) => setImmediate(resolve));
      await server.kill();
      failures += await committing;
    }
    context.diagnostic(`${failures} failures`);
    assert.ok(failures > 0);
    await isCounted(store, expected);
    await using reopened = await open(database);
    await isCounted(reopened, expected);
  });

  it("of a process that was overtaken count for nothing, and it notices", async () => {
    const database = newDatabase();
    const [one, other] = [new CommitMaker(), new CommitMaker()];
    const first = { clicks: [click("a", 1), click("a", 2)] };
    await using overtaken = await open(database);
    await overtaken.commit(one.next(first));
    other.next(first);
    await using store = await open(database);
    await store.commit(other.next({ clicks: [click("b", 1)] }));
    const late = one.next({ clicks: [click("c", 1), click("a", 1)] });
    for (let tries = 0; tries < 3; tries++)
      await assert.rejects(overtaken.commit(late), { code: "store_taken_over" });
    await store.commit(other.next({ clicks: [click("b", 2)] }));
    const expected = new Map([
      ["a", 2],
      ["b", 2],
    ]);
    await isCounted(store, expected);
    await using reopened = await open(database);
    await isCounted(reopened, expected);
    assert.equal((await reopened.recover()).sequence, 3);
  });

  it("of processes that share the partitions all count, and of a partition that has moved only the new one's", async () => {
    const database = newDatabase();
    const openAs = (instance: string) =>
      openClickHouseStore({ urls: [server.url], database, instance, partitionCount: 2 });
    const [one, other] = [new CommitMaker(), new CommitMaker()];
    await using first = await openAs("first");
    await first.commit(one.next({ partition: 0, clicks: [click("a", 1, { country: "US" })] }));
    await first.commit(one.next({ partition: 1, clicks: [click("b", 1, { country: "DE" })] }));
    {
      await using second = await openAs("second");
      const { sequence, progress, dictionaries } = await second.recover();
      other.resume(sequence, 0, dictionaries);
      for (const { partition, nextOffset } of progress) other.goOn(partition, nextOffset);
      // It has lost the partition, and keeps the other.
      const lost = one.next({ partition: 1, clicks: [click("c", 1)] });
      for (let tries = 0; tries < 3; tries++)
        await assert.rejects(first.commit(lost), { code: "store_taken_over" });
      const kept = one.next({ partition: 0, clicks: [click("a", 2, { country: "FR" })] });
      const moved = other.next({ partition: 1, clicks: [click("b", 2, { country: "FR" })] });
      await Promise.all([first.commit({ ...kept, sequence: lost.sequence }), second.commit(moved)]);
    }
    await using third = await openAs("third");
    await isCounted(
      third,
      new Map([
        ["a", 2],
        ["b", 2],
      ]),
    );
  });

  it("that were given up count for nothing, in whole or in part, whenever they arrive", async () => {
    const database = newDatabase();
    const maker = new CommitMaker();
    await using store = await open(database);
    await store.commit(maker.next({ clicks: [click("a", 1)] }));
    const commit = maker.next({ clicks: [click("b", 1)] });
    const bad = { ...commit, ledger: undefined as unknown as typeof commit.ledger };
    await assert.rejects(store.commit(bad));
    await store.commit(commit);
    const expected = new Map([
      ["a", 1],
      ["b", 1],
    ]);
    await isCounted(store, expected);
    const voidSequence = 2;
    for (const table of ["click", "minute_count", "ledger", "dictionary", "commit_log"])
      await server.query(
        `INSERT INTO ${database}.${table} SELECT * REPLACE (${voidSequence} AS sequence) FROM ${database}.${table} WHERE sequence = 3`,
      );
    await isCounted(store, expected);
    await using reopened = await open(database);
    await isCounted(reopened, expected);
    maker.numberFrom(3);
    await reopened.commit(maker.next({ clicks: [click("b", 2)] }));
    await isCounted(reopened, expected.set("b", 2));
  });

  it("of another order than the database's are refused, as is a database that lacks some", async () => {
    const database = newDatabase();
    {
      await using store = await open(database);
      const maker = new CommitMaker();
      await store.commit(maker.next({ clicks: [click("a", 1)] }));
      await store.commit(maker.next({ clicks: [click("a", 2)] }));
    }
    const other = {
      ...sharedOptions({ urls: [server.url], database }),
      logs: orderLogs("of_another_database"),
    };
    const shared = await shareClickHouse(other);
    const member = await shared.enter({ instance: "x", partitionCount: 1, onChange: () => {} });
    await assert.rejects(member.open(), { code: "data_corrupt" });
    await member[Symbol.asyncDispose]();
    await shared[Symbol.asyncDispose]();
    await server.query(`DELETE FROM ${database}.commit_log WHERE sequence = 2`);
    await assert.rejects(open(database), { code: "data_corrupt" });
    await server.query(`DROP DATABASE ${database} SYNC`);
    await assert.rejects(open(database), { code: "data_corrupt" });
  });

  it("go to no database of another format, which is left untouched", async () => {
    const database = newDatabase();
    await (await open(database))[Symbol.asyncDispose]();
    const meta = (): Promise<string> =>
      server.query(`SELECT name, value FROM ${database}.meta ORDER BY ALL`);
    for (const [format, code] of [
      ["9", "data_format_newer"],
      ["1", "invalid_configuration"],
    ] as const) {
      await server.query(
        `ALTER TABLE ${database}.meta UPDATE value = '${format}' WHERE name = 'format' SETTINGS mutations_sync = 2`,
      );
      const untouched = await meta();
      await assert.rejects(open(database), { code });
      await assert.rejects(followClickHouseStore({ urls: [server.url], database }), { code });
      assert.equal(await meta(), untouched);
    }
  });
});
