/**
 * What looks at every day there is, with as little memory as a store has by default: each must take as much as the data does, not
 * as much as there are days. A look-up that fails for want of memory would be asked again for ever, and its partition stand still.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { dayOfMinute, minutesADay } from "../../../src/model/time.ts";
import type { ClickStore } from "../../../src/store/click-store.ts";
import { openDuckDbStore } from "../../../src/store/duckdb/duckdb-store.ts";
import { click, noon } from "../../contract/click-store/harness.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** As many tables as the 90 days have that raw clicks are kept by default: two each, where checkpoints have come between. */
const dayCount = 184;
const adCount = 5;

const everyOutcome = ["counted", "restated", "quarantined", "expired", "voided"] as const;

describe("a DuckDB store of many days", () => {
  const maker = new CommitMaker();
  const resources = new AsyncDisposableStack();
  let store: ClickStore;

  before(async () => {
    const directory = resources.use(await temporaryDirectory());
    const options = { memoryBytesMax: 256_000_000, threads: 2 };
    const path = `${directory.path}/store.duckdb`;
    {
      await using first = await openDuckDbStore({ path, ...options });
      const clicks = Array.from({ length: dayCount * adCount }, (_, i) => {
        const day = Math.floor(i / adCount);
        const dimensions = { country: "DE", user_id: `user ${i}`, ip: `10.0.${i >> 8}.${i & 255}` };
        return click(`ad-${i % adCount}`, day * minutesADay, dimensions);
      });
      await first.commit(maker.next({ clicks }));
      // What came scattered over many days gets tables of its days once it is at rest.
      for (let looks = 0; looks < 2; looks++) await first.compact(noon + dayCount * minutesADay);
      await first.checkpoint();
    }
    store = resources.use(await openDuckDbStore({ path, ...options }));
  });
  after(() => resources.disposeAsync());

  it("finds clicks by identity", async () => {
    const identities = maker.clicks.map(({ ad_id, event_id }) => ({ ad_id, event_id }));
    for (const some of [identities.slice(0, 1), identities]) {
      const query = { partition: 0, outcomes: everyOutcome, identities: some };
      assert.equal((await store.recordedClicks(query)).length, some.length);
    }
  });

  it("finds clicks by commit, and by ad", async () => {
    const changed = await store.recordedClicks({
      partition: 0,
      outcomes: everyOutcome,
      changedBy: 1,
    });
    assert.equal(changed.length, 0);
    const ofAd = await store.recordedClicks({ partition: 0, outcomes: everyOutcome, adId: "ad-1" });
    assert.equal(ofAd.length, dayCount);
  });

  it("finds who has values", async () => {
    const held = async (field: string, values: readonly string[]): Promise<number> => {
      const holders = await store.holders({ partition: 0, isPart: false, field, values });
      return holders.reduce((sum, { clicks }) => sum + clicks, 0);
    };
    const valuesOf = (name: string): string[] =>
      maker.clicks.map(({ dimensions }) => dimensions![name]!);
    const users = valuesOf("user_id");
    const addresses = valuesOf("ip");
    for (const count of [1, 20, users.length]) {
      assert.equal(await held("user_id", users.slice(0, count)), count);
      assert.equal(await held("ip", addresses.slice(0, count)), count);
    }
    assert.equal(await held("country", ["DE", "US"]), dayCount * adCount);
  });

  it("knows the state of buckets", async () => {
    const buckets = Array.from({ length: 10_000 }, (_, i) => ({
      minute: noon + Math.floor((i % dayCount) * minutesADay),
      adKey: maker.keyOf("ad_id", `ad-${Math.floor(i / dayCount) % adCount}`),
    }));
    const states = await store.bucketStates(buckets);
    assert.ok(states.every(({ count, revision }) => count === 1 && revision === 0));
    assert.equal(states.length, buckets.length);
  });

  it("knows the newest receipts, and how far it reaches", async () => {
    const receipts = await store.newestReceipts(0, dayOfMinute(noon) + dayCount);
    assert.equal(receipts.length, dayCount);
    const extent = await store.extent();
    assert.equal(extent?.firstMinute, noon);
    assert.equal(extent?.lastMinute, noon + (dayCount - 1) * minutesADay);
  });
});
