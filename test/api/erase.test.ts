import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Answer, Json } from "./running-service.ts";
import { RunningService, click, newAd } from "./running-service.ts";

let service: RunningService;
before(async () => {
  service = await RunningService.start();
});
after(() => service[Symbol.asyncDispose]());

const nowMs = Date.now();

async function send(...clicks: Json[]): Promise<void> {
  const body = JSON.stringify(clicks.map((fields) => click({ click_timestamp: nowMs, ...fields })));
  const { status } = await service.send("POST", "/v1/clicks?wait=counted", body);
  assert.equal(status, 200);
}

const erase = (body: Json): Promise<Answer> =>
  service.send("POST", "/v1/admin/erase", JSON.stringify({ reason: "asked for", ...body }));

async function users(ad_id: string, by = "user_id"): Promise<Json[]> {
  const { body } = await service.get(`/v1/breakdown?by=${by}&window=60m&filter=ad_id==${ad_id}`);
  return body["rows"] as Json[];
}

describe("erasing", () => {
  it("empties the field of every click so far, in all that is told, and leaves the counts", async () => {
    const ad_id = newAd();
    await send(
      { ad_id, event_id: "1", user_id: "u-erase", ip: "10.1.1.1" },
      { ad_id, event_id: "1", user_id: "u-erase", ip: "10.1.1.1" },
      { ad_id, event_id: "2", user_id: "u-other", ip: "::ffff:10.1.1.1" },
    );
    const { status, body } = await erase({ field: "user_id", values: ["u-erase", "u-never"] });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(
      [body["type"], body["result"], body["not_covered"]],
      ["erase", { erased: 2 }, ["backups", "exports"]],
    );
    const age = Date.now() - Date.parse(body["queue_forgotten_at"] as string);
    assert.ok(age >= 0 && age < 60_000, `forgotten ${age} ms ago`);
    assert.deepEqual(await users(ad_id), [
      { user_id: null, count: 1 },
      { user_id: "u-other", count: 1 },
    ]);
    const told = await service.get(`/v1/admin/operations/${String(body["id"])}`);
    assert.ok(!JSON.stringify(told.body).includes("u-erase"), "the operation names nobody");
    const explained = await service.get(`/v1/ads/${ad_id}/explain?window=60m`);
    const listed = explained.body["clicks"] as { dimensions: Json; outcome: string }[];
    assert.deepEqual(
      listed.map(({ outcome, dimensions }) => [outcome, dimensions["user_id"], dimensions["ip"]]),
      [
        ["counted", null, "10.1.1.1"],
        ["duplicate", null, "10.1.1.1"],
        ["counted", "u-other", "10.1.1.1"],
      ],
    );
    // However an address is spelled.
    const addresses = await erase({ field: "ip", values: ["::FFFF:0a01:0101"] });
    assert.deepEqual(addresses.body["result"], { erased: 3 });
    assert.deepEqual(await users(ad_id, "ip"), [{ ip: null, count: 2 }]);
  });

  it("is done once however often it is asked for, and does not touch what comes later", async () => {
    const ad_id = newAd();
    await send({ ad_id, event_id: "1", user_id: "u-again" });
    const once = { field: "user_id", values: ["u-again"], id: `erase-${ad_id}` };
    assert.deepEqual((await erase(once)).body["result"], { erased: 1 });
    assert.deepEqual((await erase(once)).body["result"], { erased: 1 }, "of both together");
    // The same click again is still a duplicate; a new one is a new one.
    await send(
      { ad_id, event_id: "1", user_id: "u-again" },
      { ad_id, event_id: "2", user_id: "u-again" },
    );
    assert.deepEqual(await users(ad_id), [
      { user_id: null, count: 1 },
      { user_id: "u-again", count: 1 },
    ]);
  });

  it("reaches minute dimensions, in recent minutes and in those that are told as they stood", async () => {
    const ad_id = newAd();
    await send(
      { ad_id, event_id: "1", device: "d-erase" },
      { ad_id, event_id: "2", device: "d-other" },
    );
    const sent = await users(ad_id, "device");
    assert.deepEqual(
      sent.map((row) => row["device"]),
      ["d-erase", "d-other"],
    );
    const count = async (filter: string): Promise<unknown> => {
      const range = `from=${nowMs - 60_000}&to=${nowMs + 60_000}`;
      const path = `/v1/ads/${ad_id}/aggregated_count?${range}&filter=${filter}`;
      return (await service.get(path)).body["count"];
    };
    assert.equal(await count("device==d-erase"), 1);
    assert.deepEqual((await erase({ field: "device", values: ["d-erase"] })).body["result"], {
      erased: 1,
    });
    assert.equal(await count("device==d-erase"), 0);
    assert.equal(await count("device=null=true"), 1);
    assert.deepEqual(await users(ad_id, "device"), [
      { device: null, count: 1 },
      { device: "d-other", count: 1 },
    ]);
    const audit = await service.send("POST", "/v1/admin/audit", "{}");
    assert.equal(audit.body["differing_rows"], 0);
  });

  it("has followers of changes begin again, where minute rows were changed", async () => {
    const ad_id = newAd();
    await send({ ad_id, event_id: "1", device: "d-told", user_id: "u-told" });
    const changes = (since: string): Promise<Response> =>
      fetch(`${service.url}/v1/changes?follow=false&since=${since}`);
    const marked = async (since: string): Promise<string> => {
      const lines = (await (await changes(since)).text()).trim().split("\n");
      return (JSON.parse(lines.at(-1)!) as { since: string }).since;
    };
    const mark = await marked("0");
    await erase({ field: "user_id", values: ["u-told"] });
    assert.equal((await changes(mark)).status, 200, "raw clicks are not told of");
    await erase({ field: "device", values: ["d-told"] });
    const refused = await changes(mark);
    assert.equal(refused.status, 410);
    assert.equal(((await refused.json()) as Json)["code"], "history_replaced");
    assert.equal((await changes(await marked("0"))).status, 200);
  });

  for (const [what, body, status, code, field] of [
    ["what is no dimension", { field: "ad_id", values: ["a"] }, 400, "unknown_dimension", "field"],
    [
      "an attribute of ads",
      { field: "ad.campaign_id", values: ["a"] },
      400,
      "unknown_dimension",
      "field",
    ],
    [
      "no address",
      { field: "ip", values: ["10.0.0.1", "here"] },
      400,
      "invalid_parameter",
      "values.1",
    ],
    ["half a pair", { field: "user_id", values: ["\ud800"] }, 400, "invalid_parameter", "values.0"],
    ["nothing", { field: "user_id", values: [] }, 400, "invalid_parameter", "values"],
    ["an empty value", { field: "user_id", values: [""] }, 400, "invalid_parameter", "values.0"],
  ] as const) {
    it(`refuses ${what}, by name`, async () => {
      const answer = await erase(body);
      assert.deepEqual(
        [answer.status, answer.body["code"], answer.body["field"]],
        [status, code, field],
      );
    });
  }
});
