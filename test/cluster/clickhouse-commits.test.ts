import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CodedError } from "../../src/model/errors.ts";
import type { Commit } from "../../src/model/commit.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import { openClickHouseStore } from "../../src/store/clickhouse/clickhouse-store.ts";
import { Random } from "../../src/traffic/random.ts";
import { click, hour, noon, shown } from "../contract/click-store/harness.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";
import { commitAll } from "../support/commit-all.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { CommitMaker } from "../support/store-clicks.ts";

let server: ClickHouseServer;
before(async () => {
  server = await ClickHouseServer.start();
});
after(() => server[Symbol.asyncDispose]());

const commitCount = 40;
const commitsTogether = 3;
/** A server that is about to die says so, as an error of its own. */
const awayCodes: ReadonlySet<string> = new Set(["store_unavailable", "storage_failed"]);
let databases = 0;
const newDatabase = (): string => `commits_${++databases}`;

function open(database: string, url = server.url): ReturnType<typeof openClickHouseStore> {
  return openClickHouseStore({ urls: [url], database });
}

async function counts(store: ClickStore, source: "raw" | "minute"): Promise<string[]> {
  return shown((await store.aggregate({ ...hour, source, groupBy: ["ad_id"], order: "key" })).rows);
}

async function isCounted(store: ClickStore, expected: ReadonlyMap<string, number>): Promise<void> {
  const lines = [...expected].toSorted().map(([ad, count]) => `${ad} ${count}`);
  for (const source of ["raw", "minute"] as const)
    assert.deepEqual(await counts(store, source), lines, source);
  assert.equal((await store.recount(noon, noon + 60, 10)).differingRows, 0);
  const ledger = await store.ledger(0, noon);
  const received = ledger.reduce((sum, row) => sum + row.received, 0);
  assert.equal(
    received,
    [...expected.values()].reduce((a, b) => a + b, 0),
  );
}

async function untilCommitted(
  store: ClickStore,
  commits: readonly Commit[],
  mend: () => Promise<void>,
): Promise<number> {
  let failures = 0;
  await eventually(
    `commit ${commits[0]!.sequence}`,
    async () => {
      try {
        await commitAll(store, commits);
        return true;
      } catch (error) {
        assert.ok(error instanceof CodedError && awayCodes.has(error.code), String(error));
        failures++;
        await mend();
        return undefined;
      }
    },
    60_000,
  );
  return failures;
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
    }
    assert.ok(failures >= 10, `only ${failures} commits failed on the way`);
    context.diagnostic(`${failures} failures, ${proxy.cuts} cuts`);
    await store[Symbol.asyncDispose]();
    await using reopened = await open(database);
    await isCounted(reopened, expected);
    assert.equal((await reopened.recover()).sequence, commitCount * commitsTogether);
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

  it("stay counted where one that had claimed before says late with which commit it goes on", async () => {
    const database = newDatabase();
    const maker = new CommitMaker();
    const say = (firstSequence: number): Promise<string> =>
      server.query(`INSERT INTO ${database}.tenure VALUES (2, 'somebody', ${firstSequence})`);
    const expected = new Map<string, number>();
    const commit = async (store: ClickStore, ad: string): Promise<void> => {
      await store.commit(maker.next({ clicks: [click(ad, 1)] }));
      expected.set(ad, 1);
    };
    {
      await using first = await open(database);
      await commit(first, "a");
      await commit(first, "b");
      // It has looked: "a" is through. It does not know of "b".
      await say(0);
    }
    {
      await using second = await open(database);
      assert.deepEqual((await second.checkpoint()).length, 1);
      await say(2);
      await commit(second, "c");
      await isCounted(second, expected);
    }
    await using third = await open(database);
    await commit(third, "d");
    await isCounted(third, expected);
  });

  it("of an earlier tenure that arrive late, in whole or in part, count for nothing", async () => {
    const database = newDatabase();
    const maker = new CommitMaker();
    {
      await using earlier = await open(database);
      await earlier.commit(maker.next({ clicks: [click("a", 1)] }));
    }
    await using store = await open(database);
    await store.commit(maker.next({ clicks: [click("b", 1)] }));
    for (const table of ["click", "minute_count", "ledger", "dictionary", "commit_log"])
      await server.query(
        `INSERT INTO ${database}.${table} SELECT * REPLACE (1 AS epoch) FROM ${database}.${table} WHERE epoch = 2`,
      );
    const expected = new Map([
      ["a", 1],
      ["b", 1],
    ]);
    await isCounted(store, expected);
    await using reopened = await open(database);
    await isCounted(reopened, expected);
    await reopened.commit(maker.next({ clicks: [click("b", 2)] }));
    await isCounted(reopened, expected.set("b", 2));
  });
});
