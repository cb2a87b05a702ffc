import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Commit } from "../../src/model/commit.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import { Random } from "../../src/traffic/random.ts";
import { click, hour, noon, shown } from "../contract/click-store/harness.ts";
import { ClickHouseCluster } from "../support/clickhouse-cluster.ts";
import { followClickHouseStore, openClickHouseStore } from "../support/clickhouse-store.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { CommitMaker } from "../support/store-clicks.ts";
import { isCounted, untilCommitted } from "./until-committed.ts";

let cluster: ClickHouseCluster;
before(async () => {
  cluster = await ClickHouseCluster.start(2);
});
after(() => cluster[Symbol.asyncDispose]());

const partitionCount = 4;
const commitCount = 25;
let databases = 0;
const newDatabase = (): string => `shards_${++databases}`;

interface OpenOptions {
  readonly urls?: readonly string[];
  readonly cluster?: string;
  readonly instance?: string;
  readonly partitionCount?: number;
}

function open(database: string, options: OpenOptions = {}): Promise<ClickStore> {
  const { urls = cluster.urls, cluster: name = cluster.name, ...more } = options;
  return openClickHouseStore({ urls, cluster: name, database, ...more });
}

/** A click each for every partition, of an ad of its own. */
function roundOf(maker: CommitMaker, minute: number): Commit[] {
  return Array.from({ length: partitionCount }, (_, partition) =>
    maker.next({
      partition,
      clicks: [click(`ad-${partition}`, minute, { country: "US", user_id: `u-${partition}` })],
    }),
  );
}

describe("a store over two shards", () => {
  it("has all rows of a partition on its shard, and asks both", async () => {
    const database = newDatabase();
    await using store = await open(database);
    const maker = new CommitMaker();
    for (const minute of [1, 2]) for (const own of roundOf(maker, minute)) await store.commit(own);
    for (const table of ["click", "minute_count", "ledger", "commit_log", "dictionary"])
      assert.deepEqual(
        await Promise.all(
          cluster.shards.map((shard) =>
            shard.query(`SELECT arraySort(groupUniqArray(partition)) FROM ${database}.${table}`),
          ),
        ),
        ["[0,2]", "[1,3]"],
        table,
      );
    await isCounted(store, new Map(Array.from({ length: 4 }, (_, i) => [`ad-${i}`, 2])));
    await using follower = await followClickHouseStore({
      urls: cluster.urls,
      cluster: cluster.name,
      database,
    });
    const { dictionaries, progress } = await store.recover();
    const read = await follower.recover();
    assert.deepEqual(read.dictionaries, dictionaries);
    assert.deepEqual(read.progress, progress);
  });

  it("does not tell a part where a shard is away, and goes on when it is back", async () => {
    const database = newDatabase();
    await using store = await open(database);
    const maker = new CommitMaker();
    for (const own of roundOf(maker, 1)) await store.commit(own);
    const [, second] = cluster.shards;
    await second!.kill();
    const query = { ...hour, source: "minute", groupBy: ["ad_id"] } as const;
    for (const ask of [
      () => store.aggregate(query),
      () => store.aggregate({ ...query, source: "raw", adId: "ad-0" }),
      () => store.ledger(0, noon),
      () => store.recount(noon, noon + 60, 10),
      () => store.clicks({ ...hour, adId: "ad-0", dimensions: [], limit: 10 }),
    ])
      await assert.rejects(ask(), { code: "store_unavailable" });
    await assert.rejects(open(database), { code: "store_unavailable" });
    const [onFirst, onSecond] = roundOf(maker, 2);
    await store.commit(onFirst!);
    await assert.rejects(store.commit(onSecond!), { code: "store_unavailable" });
    await second!.restart();
    await untilCommitted(store, [onSecond!], async () => {});
    await isCounted(
      store,
      new Map([
        ["ad-0", 2],
        ["ad-1", 2],
        ["ad-2", 1],
        ["ad-3", 1],
      ]),
    );
  });

  it("erases and drops on both", async () => {
    const database = newDatabase();
    await using store = await open(database);
    const maker = new CommitMaker();
    for (const own of roundOf(maker, 1)) await store.commit(own);
    const erasures = [
      {
        field: "user_id",
        values: ["u-0", "u-1"],
        adKeys: ["ad-0", "ad-1"].map((ad) => maker.keyOf("ad_id", ad)),
        inMinutes: false,
      },
    ];
    await store.commit(maker.next({ erasures }));
    const { rows } = await store.aggregate({ ...hour, source: "raw", groupBy: ["user_id"] });
    assert.deepEqual(shown(rows).toSorted(), ["- 2", "u-2 1", "u-3 1"]);
    const day = Math.floor(noon / 1440);
    for (let partition = 0; partition < partitionCount; partition++)
      await store.commit(
        maker.next({
          partition,
          droppedDays: (["raw", "minute"] as const).map((what) => ({
            partition,
            day,
            what,
            receivedDay: day,
          })),
        }),
      );
    await store.purge();
    for (const shard of cluster.shards)
      for (const table of ["click", "minute_count"])
        assert.equal(await shard.query(`SELECT count() FROM ${database}.${table}`), "0");
  });

  it("counts once through deaths of shards, connections that are cut, and merges at any moment", async (context) => {
    const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1e9);
    context.diagnostic(`TEST_SEED=${seed} makes the same choices again`);
    const random = new Random(seed);
    const database = newDatabase();
    await using resources = new AsyncDisposableStack();
    const proxies: CuttingProxy[] = [];
    for (const { port } of cluster.shards)
      proxies.push(
        resources.use(
          await CuttingProxy.start(port, () => random.below(random.pick([20_000, 200_000]))),
        ),
      );
    const urls = proxies.map(({ url }) => url);
    const opening = (): Promise<ClickStore> =>
      eventually("it opens", async () => {
        await cluster.revive();
        return await open(database, { urls });
      });
    const maker = new CommitMaker();
    const expected = new Map<string, number>();
    let store = await opening();
    let failures = 0;
    for (let i = 0; i < commitCount; i++) {
      const together = Array.from({ length: partitionCount }, (_, partition) => {
        const clicks = Array.from({ length: 1 + random.below(20) }, () =>
          click(`ad-${partition}-${random.below(3)}`, random.below(60), {
            country: random.pick(["US", "DE"]),
          }),
        );
        for (const { ad_id } of clicks) expected.set(ad_id, (expected.get(ad_id) ?? 0) + 1);
        return maker.next({ clicks, partition });
      });
      const committing = untilCommitted(store, together, () => cluster.revive());
      if (random.chance(0.15)) {
        await new Promise((resolve) => setImmediate(resolve));
        await random.pick(cluster.shards).kill();
      }
      failures += await committing;
      await cluster.revive();
      const table = random.pick(["click", "minute_count", "ledger", "commit_log"]);
      if (random.chance(0.3))
        await random.pick(cluster.shards).query(`OPTIMIZE TABLE ${database}.${table} FINAL`);
      if (!random.chance(0.1)) continue;
      await store[Symbol.asyncDispose]();
      store = await opening();
      maker.numberFrom((await store.recover()).sequence);
    }
    context.diagnostic(`${failures} failures, ${proxies.map(({ cuts }) => cuts).join(" + ")} cuts`);
    assert.ok(failures >= 5, `only ${failures} commits failed on the way`);
    await store[Symbol.asyncDispose]();
    await cluster.revive();
    await using reopened = await open(database);
    await isCounted(reopened, expected);
    assert.deepEqual(
      (await reopened.recover()).progress.map(({ nextOffset }) => nextOffset),
      Array.from({ length: partitionCount }, () => commitCount),
    );
  });
});
