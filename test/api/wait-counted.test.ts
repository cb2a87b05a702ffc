import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { json, problemOf, startHttpSide } from "./harness.ts";

const accepted = { received: 2, accepted: 2, rejected: 0, derived_ids: 0, errors: [] };

describe("an answer that waits for a commit", () => {
  it("comes after five seconds without one as 202: durable, but undecided", async () => {
    const waitedFor: unknown[] = [];
    await using side = await startHttpSide(
      {},
      {
        ingest: {
          accept: async () => ({
            ...accepted,
            ranges: [{ partition: 0, offset: 7, fromRow: 3, toRow: 5 }],
          }),
          appendControl: async () => [{ partition: 0, offset: 8 }],
        },
        query: {
          committed: async (positions, timeoutMs) => {
            waitedFor.push(
              positions.map(({ offset }) => offset),
              timeoutMs,
            );
            return false;
          },
        },
      },
    );
    const post = { method: "POST", body: "[{},{}]", headers: json };
    const clicks = await fetch(`${side.url}/v1/clicks?wait=counted`, post);
    assert.deepEqual([clicks.status, await clicks.json()], [202, accepted]);
    const put = { method: "PUT", body: '{"campaign_id":"c1"}', headers: json };
    const ad = await fetch(`${side.url}/v1/ads/a`, put);
    assert.equal(ad.status, 202);
    assert.deepEqual(((await ad.json()) as { attributes: object }).attributes, {
      campaign_id: "c1",
    });
    const bulk = { method: "POST", body: '[{"ad_id":"a","campaign_id":"c1"}]', headers: json };
    const ads = await fetch(`${side.url}/v1/ads`, bulk);
    assert.deepEqual([ads.status, await ads.json()], [202, { received: 1, accepted: 1 }]);
    assert.deepEqual(waitedFor, [[7], 5_000, [8], 5_000, [8], 5_000]);
  });

  it("keeps no place from other bodies", async () => {
    const commit = Promise.withResolvers<boolean>();
    await using side = await startHttpSide(
      { "limits.waiting_bodies": "1" },
      {
        ingest: { accept: async () => ({ ...accepted, ranges: [] }) },
        query: {
          committed: () => commit.promise,
          outcomes: async () => ({
            counted: 1,
            duplicate: 1,
            restated: 0,
            quarantined: 0,
            expired: 0,
            invalid: 0,
            voided: 0,
          }),
        },
      },
    );
    const post = (wait: string): Promise<Response> =>
      fetch(`${side.url}/v1/clicks${wait}`, { method: "POST", body: "[{},{}]", headers: json });
    const waiting = post("?wait=counted");
    let response = await post("");
    while (response.status === 503) {
      // Until the first body has been taken in.
      assert.equal((await problemOf(response)).code, "overloaded");
      response = await post("");
    }
    assert.deepEqual([response.status, await response.json()], [200, accepted]);
    commit.resolve(true);
    const answer = await waiting;
    const { counted, duplicates } = (await answer.json()) as Record<string, number>;
    assert.deepEqual([answer.status, counted, duplicates], [200, 1, 1]);
  });
});
