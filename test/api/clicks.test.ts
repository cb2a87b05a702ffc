import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Json } from "./running-service.ts";
import { RunningService, click, ndjson, newAd } from "./running-service.ts";

let service: RunningService;
before(async () => {
  service = await RunningService.start();
});
after(() => service[Symbol.asyncDispose]());

describe("clicks", () => {
  it("come as an object, an array or NDJSON, plain or compressed, and are all counted", async () => {
    const ad_id = newAd();
    const one = () => JSON.stringify(click({ ad_id }));
    const bodies: readonly (readonly [string | Uint8Array<ArrayBuffer>, Record<string, string>])[] =
      [
        [one(), {}],
        [`[${one()},${one()}]`, { "content-type": "application/json; charset=UTF-8" }],
        [`${one()}\n\r\n${one()}`, { "content-type": ndjson }],
        [new Uint8Array(gzipSync(one())), { "content-encoding": "gzip" }],
        [new Uint8Array(zstdCompressSync(one())), { "content-encoding": "zstd" }],
        [one(), { "content-encoding": "identity" }],
      ];
    let counted = 0;
    for (const [body, headers] of bodies) {
      const answer = await service.send("POST", "/v1/clicks?wait=counted", body, headers);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.equal(answer.body["counted"], answer.body["received"]);
      counted += answer.body["counted"] as number;
    }
    assert.equal(counted, 8);
    assert.equal(
      (await service.get(`/v1/ads/${ad_id}/aggregated_count?window=5`)).body["count"],
      8,
    );
  });

  it("are answered with what became of each once they are counted", async () => {
    const ad_id = newAd();
    const good = click({ ad_id });
    const expired = click({ ad_id, click_timestamp: Date.now() - 30 * 3_600_000 });
    const late = click({ ad_id, click_timestamp: Date.now() - 2 * 3_600_000 });
    const derived = { ad_id, click_timestamp: Date.now() };
    const { status, body } = await service.send(
      "POST",
      "/v1/clicks?wait=counted",
      JSON.stringify([good, good, { ...good, ad_id: 7 }, expired, late, derived]),
    );
    assert.equal(status, 200);
    const { errors, ...numbers } = body;
    assert.deepEqual(numbers, {
      received: 6,
      accepted: 5,
      rejected: 1,
      derived_ids: 1,
      counted: 2,
      duplicates: 1,
      restated: 1,
      quarantined: 0,
      expired: 1,
    });
    const [error] = errors as Json[];
    assert.deepEqual(
      [error!["index"], error!["field"], error!["code"]],
      [2, "ad_id", "invalid_type"],
    );
  });

  it("are answered without the outcomes unless these are waited for", async () => {
    const { body } = await service.send("POST", "/v1/clicks", JSON.stringify(click()));
    assert.deepEqual(body, { received: 1, accepted: 1, rejected: 0, derived_ids: 0, errors: [] });
  });

  const badItems: readonly (readonly [what: string, item: string, code: string, field?: string])[] =
    [
      ["malformed JSON", '{"ad_id":', "malformed_json"],
      ["no object", "7", "invalid_type"],
      ["a number for the ad", JSON.stringify(click({ ad_id: 7 })), "invalid_type", "ad_id"],
      ["no ad", JSON.stringify({ click_timestamp: 1 }), "missing_field", "ad_id"],
      ["an empty ad", JSON.stringify(click({ ad_id: "" })), "empty_field", "ad_id"],
      [
        "an ad_id that is too long",
        JSON.stringify(click({ ad_id: "a".repeat(257) })),
        "field_too_long",
        "ad_id",
      ],
      [
        "an event_id that is too long",
        JSON.stringify(click({ event_id: "e".repeat(129) })),
        "field_too_long",
        "event_id",
      ],
      ["no time", JSON.stringify({ ad_id: "a" }), "missing_field", "click_timestamp"],
      [
        "a time that is none",
        JSON.stringify(click({ click_timestamp: "yesterday" })),
        "invalid_timestamp",
        "click_timestamp",
      ],
      [
        "a time in the future",
        JSON.stringify(click({ click_timestamp: Date.now() + 120_000 })),
        "future_timestamp",
        "click_timestamp",
      ],
      ["an address that is none", JSON.stringify(click({ ip: "1.2.3.256" })), "invalid_ip", "ip"],
      [
        "a country that is none",
        JSON.stringify(click({ country: "Germany" })),
        "invalid_country",
        "country",
      ],
    ];
  for (const [what, item, code, field] of badItems) {
    it(`with ${what} are named and cost nothing that is good`, async () => {
      const ad_id = newAd();
      const good = JSON.stringify(click({ ad_id }));
      const body = `${good}\n${item}\n${JSON.stringify(click({ ad_id }))}\n`;
      const mixed = await service.send("POST", "/v1/clicks?wait=counted", body, {
        "content-type": ndjson,
      });
      assert.equal(mixed.status, 200);
      assert.deepEqual(
        [mixed.body["accepted"], mixed.body["rejected"], mixed.body["counted"]],
        [2, 1, 2],
      );
      const [error] = mixed.body["errors"] as Json[];
      assert.deepEqual([error!["index"], error!["code"], error!["field"]], [1, code, field]);
      assert.ok(error!["message"]);
      assert.equal(
        (await service.get(`/v1/ads/${ad_id}/aggregated_count?window=5`)).body["count"],
        2,
      );

      const alone = await service.send("POST", "/v1/clicks?wait=counted", item, {
        "content-type": ndjson,
      });
      assert.equal(alone.status, 400);
      assert.deepEqual(
        [alone.body["received"], alone.body["accepted"], alone.body["rejected"]],
        [1, 0, 1],
      );
      assert.equal((alone.body["errors"] as Json[])[0]!["code"], code);
    });
  }
});

describe("a body that is refused", () => {
  const good = JSON.stringify(click());
  const refused: readonly (readonly [
    what: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
    expected: readonly [number, string],
  ])[] = [
    ["is empty", "", {}, [400, "malformed_json"]],
    ["is no JSON", "hello", {}, [400, "malformed_json"]],
    ["is an array that does not end", `[${good},`, {}, [400, "malformed_json"]],
    [
      "is too large",
      JSON.stringify(click({ user_id: "u".repeat(200_000) })),
      {},
      [413, "body_too_large"],
    ],
    [
      "is a bomb in gzip",
      new Uint8Array(gzipSync(new Uint8Array(20e6))),
      { "content-encoding": "gzip" },
      [413, "body_too_large"],
    ],
    [
      "is a bomb in zstd",
      new Uint8Array(zstdCompressSync(new Uint8Array(200e6))),
      { "content-encoding": "zstd" },
      [413, "body_too_large"],
    ],
    [
      "has too many items",
      `${"{}\n".repeat(1001)}`,
      { "content-type": ndjson },
      [413, "batch_too_large"],
    ],
    ["is no gzip", good, { "content-encoding": "gzip" }, [400, "malformed_encoding"]],
    [
      "is half a gzip",
      new Uint8Array(gzipSync(good).subarray(0, 40)),
      { "content-encoding": "gzip" },
      [400, "malformed_encoding"],
    ],
    ["is no zstd", good, { "content-encoding": "zstd" }, [400, "malformed_encoding"]],
    ["has an unknown encoding", good, { "content-encoding": "br" }, [415, "unsupported_encoding"]],
    [
      "has an unknown media type",
      good,
      { "content-type": "text/plain" },
      [415, "unsupported_media_type"],
    ],
  ];
  for (const [what, body, headers, [status, code]] of refused) {
    it(`${what}; the service lives`, async () => {
      const answer = await service.send("POST", "/v1/clicks", body, headers);
      assert.deepEqual(
        [answer.status, answer.body["code"]],
        [status, code],
        JSON.stringify(answer.body),
      );
      await service.assertLives();
    });
  }
});
