import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { ClickIdentity } from "../../src/model/log-record.ts";
import { openClickHouseStore } from "../support/clickhouse-store.ts";
import { click, noon } from "../contract/click-store/harness.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";
import { CommitMaker } from "../support/store-clicks.ts";

let server: ClickHouseServer;
before(async () => {
  server = await ClickHouseServer.start();
});
after(() => server[Symbol.asyncDispose]());

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
});
