import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { ClickIdentity } from "../../src/model/log-record.ts";
import { dayOfMinute, minutesADay } from "../../src/model/time.ts";
import { openClickHouseStore } from "../support/clickhouse-store.ts";
import { click, noon, shown } from "../contract/click-store/harness.ts";
import { ClickHouseObserver } from "../support/clickhouse-observer.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";
import { CommitMaker } from "../support/store-clicks.ts";

let server: ClickHouseServer;
before(async () => {
  server = await ClickHouseServer.start();
});
after(() => server[Symbol.asyncDispose]());

/** Each is a part of its own in two tables, synced by itself: altogether that takes far longer than silence is borne. */
const dayCount = 1_000;
const silenceMsMax = 3_000;

/** As many as a request may name. */
const identityCount = 10_000;

describe("the ClickHouse store at its limits", () => {
  it("finds clicks by as many identities as a void may name, of every form and the longest", async () => {
    await using store = await openClickHouseStore({ urls: [server.url], database: "limits" });
    const maker = new CommitMaker();
    const adId = (i: number): string => `ad ${i} `.padEnd(256, "a'\\");
    const forms: Readonly<Record<string, (i: number) => ClickIdentity>> = {
      derived: (i) => ({
        ad_id: `ad-${i % 100}`,
        event_id: `derived:${i.toString(16).padStart(32, "0")}`,
      }),
      uuid: (i) => ({
        ad_id: adId(i),
        event_id: `00000000-0000-4000-8000-${i.toString(16).padStart(12, "0")}`,
      }),
      text: (i) => ({ ad_id: adId(i), event_id: `id ${i} `.padEnd(128, "'b\\") }),
    };
    const sent = Object.values(forms).map((of) => of(identityCount - 1));
    await store.commit(
      maker.next({ clicks: sent.map(({ ad_id, event_id }) => click(ad_id, 1, {}, { event_id })) }),
    );
    for (const [name, of] of Object.entries(forms)) {
      const identities = Array.from({ length: identityCount }, (_, i) => of(i));
      const found = await store.recordedClicks({
        partition: 0,
        outcomes: ["counted", "restated", "quarantined", "expired", "voided"],
        identities,
      });
      assert.deepEqual(
        found.map(({ clickTimestampMs }) => Math.floor(clickTimestampMs / 60_000)),
        [noon + 1],
        name,
      );
    }
  });

  it("takes a commit of clicks over thousands of days, some hundred an insert", async () => {
    await using observer = await ClickHouseObserver.start(server.url);
    const options = { urls: [observer.url], database: "days", silenceMsMax };
    await using store = await openClickHouseStore(options);
    const maker = new CommitMaker();
    // Neighbours are of days that lie far apart.
    const dayOf = (i: number): number => (i * 7) % dayCount;
    const clicks = Array.from({ length: 2 * dayCount }, (_, i) =>
      click(`ad-${i % 3}`, -dayOf(i) * minutesADay + (i % 60), {
        ...(i % 2 === 0 && { country: "US" }),
        user_id: `u ${i}`.padEnd(1 + (i % 200), "é"),
      }),
    );
    await store.commit(maker.next({ clicks }));
    for (const table of ["click", "minute_count"]) {
      const inserts = observer.statements.filter((sql) => sql.startsWith(`INSERT INTO ${table} `));
      assert.ok(inserts.length >= dayCount / 250, `${inserts.length} inserts into ${table}`);
    }
    const range = { fromMinute: noon - dayCount * minutesADay, toMinute: noon + 60 };
    for (const source of ["raw", "minute"] as const) {
      const query = { ...range, source, groupBy: ["ad_id", "country"] } as const;
      assert.deepEqual(
        shown((await store.aggregate({ ...query, order: "key", limit: 9 })).rows).toSorted(),
        ["ad-0", "ad-1", "ad-2"].flatMap((ad, i) => [
          `${ad} - ${clicks.filter((_, j) => j % 3 === i && j % 2 === 1).length}`,
          `${ad} US ${clicks.filter((_, j) => j % 3 === i && j % 2 === 0).length}`,
        ]),
        source,
      );
    }
    const audit = await store.recount(range.fromMinute, range.toMinute, 10);
    assert.deepEqual([audit.comparedClicks, audit.differingRows], [clicks.length, 0]);
    const told: string[] = [];
    for (const { ad_id: adId } of clicks.slice(0, 3)) {
      const listed = await store.clicks({ ...range, adId, dimensions: ["user_id"], limit: 10_000 });
      for (const { clickTimestampMs, dimensions } of listed.clicks)
        told.push(`${adId} ${clickTimestampMs} ${dimensions["user_id"]}`);
    }
    const sent = clicks.map(
      (own) => `${own.ad_id} ${own.click_timestamp} ${own.dimensions!["user_id"]}`,
    );
    assert.deepEqual(told.toSorted(), sent.toSorted());
  });

  it("drops days that retention has dropped once, and not again with every purge", async () => {
    await using observer = await ClickHouseObserver.start(server.url);
    await using store = await openClickHouseStore({ urls: [observer.url], database: "purges" });
    const maker = new CommitMaker();
    const ago = (days: number) => click("a", -days * minutesADay, { country: "US" });
    await store.commit(maker.next({ clicks: [ago(9), ago(8), ago(0)] }));
    const drop = (...ages: readonly number[]) =>
      maker.next({
        droppedDays: ages.flatMap((age) =>
          (["raw", "minute"] as const).map((what) => {
            const day = dayOfMinute(noon) - age;
            return { partition: 0, day, what, receivedDay: day };
          }),
        ),
      });
    const dropped = async (): Promise<string[]> => {
      const earlier = observer.statements.length;
      await store.purge();
      const asked = observer.statements.slice(earlier);
      return asked
        .map((sql) => /ALTER TABLE (\w+) DELETE IN PARTITION (\d+)/.exec(sql))
        .flatMap((found) => (found ? [`${found[1]} ${found[2]}`] : []))
        .toSorted();
    };
    const of = (days: number): string[] =>
      ["click", "minute_count"].map((table) => `${table} ${dayOfMinute(noon) - days}`);
    await store.commit(drop(9, 30));
    assert.deepEqual(await dropped(), of(9), "only what is there");
    assert.deepEqual(await dropped(), []);
    await store.commit(drop(8));
    assert.deepEqual(await dropped(), of(8));
    assert.deepEqual(await dropped(), []);
  });
});
