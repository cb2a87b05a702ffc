import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { RunningService, click, ndjson, newAd } from "./running-service.ts";

let service: RunningService;
before(async () => {
  service = await RunningService.start();
});
after(() => service[Symbol.asyncDispose]());

describe("attributes of ads", () => {
  it("are set, told and answered for from then on", async () => {
    const ad_id = newAd();
    const put = await service.send("PUT", `/v1/ads/${ad_id}`, '{"campaign_id":"c1"}');
    assert.equal(put.status, 200);
    assert.deepEqual(put.body["attributes"], { campaign_id: "c1" });
    const { status, body } = await service.get(`/v1/ads/${ad_id}`);
    assert.deepEqual(
      [status, body["attributes"], body["valid_from"]],
      [200, { campaign_id: "c1" }, put.body["valid_from"]],
    );
    await service.send("POST", "/v1/clicks?wait=counted", JSON.stringify(click({ ad_id })));
    const top = await service.get("/v1/top?window=5&filter=ad.campaign_id==c1");
    assert.deepEqual(top.body["ads"], [{ rank: 1, ad_id, count: 1 }]);
  });

  it("are set for an ad with any name and from any time", async () => {
    const path = `/v1/ads/${encodeURIComponent("x/y ü")}`;
    const put = await service.send(
      "PUT",
      path,
      '{"attributes":{"advertiser_id":"b"},"valid_from":"2025-01-01T00:00:30Z"}',
    );
    assert.deepEqual(put.body, {
      ad_id: "x/y ü",
      attributes: { advertiser_id: "b" },
      valid_from: "2025-01-01T00:00:00Z",
    });
    assert.deepEqual((await service.get(path)).body, put.body);
  });

  it("are set for many ads at once, as an array or NDJSON", async () => {
    const [a, b] = [newAd(), newAd()];
    const lines = [a, b].map((ad_id) => JSON.stringify({ ad_id, campaign_id: `of-${ad_id}` }));
    const array = await service.send("POST", "/v1/ads", `[${lines.join(",")}]`);
    assert.deepEqual([array.status, array.body], [200, { received: 2, accepted: 2 }]);
    assert.deepEqual((await service.get(`/v1/ads/${b}`)).body["attributes"], {
      campaign_id: `of-${b}`,
    });
    const text = `${JSON.stringify({ ad_id: a, attributes: { campaign_id: null, advertiser_id: "n" } })}\n\n`;
    const ndjsonAnswer = await service.send("POST", "/v1/ads", text, { "content-type": ndjson });
    assert.deepEqual([ndjsonAnswer.status, ndjsonAnswer.body], [200, { received: 1, accepted: 1 }]);
    assert.deepEqual((await service.get(`/v1/ads/${a}`)).body["attributes"], {
      advertiser_id: "n",
    });
  });

  it("that are no text are refused, not stored as another one", async () => {
    const ad_id = newAd();
    const notUtf8 = new Uint8Array(
      Buffer.from(`{"ad_id":"${ad_id}","campaign_id":"\xff"}`, "latin1"),
    );
    const halfPair = `{"ad_id":"${ad_id}","campaign_id":"\\ud800"}`;
    const ofHalfPair = '{"ad_id":"\\udc00","campaign_id":"c"}';
    for (const [body, contentType, code, field] of [
      [notUtf8, "application/json", "malformed_json", undefined],
      [notUtf8, ndjson, "malformed_json", undefined],
      [halfPair, "application/json", "invalid_parameter", "[0].campaign_id"],
      [ofHalfPair, ndjson, "invalid_parameter", "[0].ad_id"],
    ] as const) {
      const answer = await service.send("POST", "/v1/ads", body, { "content-type": contentType });
      assert.deepEqual(
        [answer.status, answer.body["code"], answer.body["field"]],
        [400, code, field],
      );
    }
    for (const ad of [ad_id, "%EF%BF%BD"])
      assert.equal((await service.get(`/v1/ads/${ad}`)).status, 404);
  });

  it("of an ad that has none are not found", async () => {
    const { status, body } = await service.get(`/v1/ads/${newAd()}`);
    assert.deepEqual([status, body["code"]], [404, "not_found"]);
  });

  it("of more ads than a body may have are refused", async () => {
    const { status, body } = await service.send(
      "POST",
      "/v1/ads",
      JSON.stringify(Array.from({ length: 1001 }, () => ({}))),
    );
    assert.deepEqual([status, body["code"]], [413, "batch_too_large"]);
  });
});
