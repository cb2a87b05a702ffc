import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import { dayMs, hourMs, minuteMs } from "../../src/model/time.ts";
import type { Answer, Json } from "./running-service.ts";
import { RunningService, click, newAd } from "./running-service.ts";

let service: RunningService;
before(async () => {
  service = await RunningService.start();
  // The watermark is at the present from here on.
  await service.assertLives();
});
after(() => service[Symbol.asyncDispose]());

const nowMs = Date.now();
const finalMs = nowMs - 2 * hourMs;
const expiredMs = nowMs - 2 * dayMs;

async function send(fields: Json): Promise<Json> {
  const body = JSON.stringify(click(fields));
  return (await service.send("POST", "/v1/clicks?wait=counted", body)).body;
}

function post(path: string, body: Json): Promise<Answer> {
  return service.send("POST", path, JSON.stringify(body));
}

async function resultOf(path: string, body: Json): Promise<Json> {
  const { status, body: answer } = await post(path, body);
  assert.equal(status, 200, JSON.stringify(answer));
  return answer["result"] as Json;
}

async function count(ad_id: string, around = nowMs): Promise<Json> {
  const range = `from=${around - 10 * minuteMs}&to=${around + 10 * minuteMs}`;
  return (await service.get(`/v1/ads/${ad_id}/aggregated_count?${range}`)).body;
}

async function outcomes(ad_id: string): Promise<string[]> {
  const answer = await service.get(`/v1/ads/${ad_id}/explain?window=3d`);
  return (answer.body["clicks"] as Json[]).map((listed) => listed["outcome"] as string);
}

async function journal(ad_id: string): Promise<unknown[][]> {
  const answer = await service.get(`/v1/restatements?window=3d&ad_id=${ad_id}`);
  const rows = answer.body["rows"] as Json[];
  return rows.map((row) => ["before", "after", "revision", "reason"].map((name) => row[name]));
}

async function totals(): Promise<Json> {
  const { body } = await service.get("/v1/status");
  assert.equal(body["ledger_balanced"], true);
  return body["totals"] as Json;
}

const named = (ad_id: string, ...events: string[]): Json => ({
  identities: events.map((event_id) => ({ ad_id, event_id })),
  reason: "invalid traffic",
});

describe("a void", () => {
  it("takes clicks out of a final minute in the open, once however often it is sent, and puts them back", async () => {
    const ad_id = newAd();
    for (const event_id of ["one", "two", "two", "three"])
      await send({ ad_id, event_id, click_timestamp: finalMs, country: "DE" });
    const earlier = await totals();
    const verdict = named(ad_id, "one", "two", "never");
    assert.deepEqual(await resultOf("/v1/admin/void", verdict), {
      changed: 2,
      unchanged: 0,
      not_found: 1,
    });
    const again = { changed: 0, unchanged: 2, not_found: 1 };
    assert.deepEqual(await resultOf("/v1/admin/void", verdict), again);
    const voided = await count(ad_id, finalMs);
    assert.deepEqual([voided["count"], voided["status"], voided["revision"]], [1, "restated", 4]);
    assert.deepEqual(await outcomes(ad_id), ["voided", "voided", "duplicate", "restated"]);
    const filtered = await service.get(
      `/v1/breakdown?by=country&window=3d&filter=ad_id==${ad_id};ip=null=true`,
    );
    assert.deepEqual(filtered.body["rows"], [{ country: "DE", count: 1 }]);
    const later = await totals();
    assert.equal(Number(later["voided"]) - Number(earlier["voided"]), 2);
    assert.equal(Number(later["restated"]) - Number(earlier["restated"]), -2);
    assert.deepEqual(
      await send({ ad_id, event_id: "one", click_timestamp: finalMs }).then((a) => a["duplicates"]),
      1,
    );

    const undone = await resultOf("/v1/admin/void", { ...verdict, undo: true });
    assert.deepEqual(undone, { changed: 2, unchanged: 0, not_found: 1 });
    const restored = await count(ad_id, finalMs);
    assert.deepEqual([restored["count"], restored["revision"]], [3, 5]);
    assert.deepEqual((await journal(ad_id)).slice(-2), [
      [3, 1, 4, "void"],
      [1, 3, 5, "unvoid"],
    ]);
  });

  it("takes clicks out of an open minute without a journal entry", async () => {
    const ad_id = newAd();
    const click_timestamp = Date.now();
    for (const event_id of ["one", "two"]) await send({ ad_id, event_id, click_timestamp });
    assert.equal((await resultOf("/v1/admin/void", named(ad_id, "one")))["changed"], 1);
    const voided = await count(ad_id, click_timestamp);
    assert.deepEqual([voided["count"], voided["revision"]], [1, 0]);
    assert.deepEqual(await journal(ad_id), []);
  });

  it("knows a click without an id by the one that explain shows", async () => {
    const ad_id = newAd();
    await send({ ad_id, event_id: undefined, click_timestamp: finalMs });
    const { body } = await service.get(`/v1/ads/${ad_id}/explain?window=3h`);
    const [listed] = body["clicks"] as Json[];
    const verdict = named(ad_id, listed!["event_id"] as string);
    assert.equal((await resultOf("/v1/admin/void", verdict))["changed"], 1);
    assert.equal((await count(ad_id, finalMs))["count"], 0);
  });

  it("is refused with what is wrong", async () => {
    const wrong: readonly (readonly [Json, string])[] = [
      [{ reason: "x" }, "identities"],
      [{ ...named("a"), reason: "x" }, "identities"],
      [{ ...named("a", "e"), reason: "" }, "reason"],
      [{ ...named("a", "e"), undo: "yes" }, "undo"],
      [{ ...named("a", "e"), id: "no spaces" }, "id"],
      [{ ...named("a", "e"), other: 1 }, "other"],
      [{ identities: [{ ad_id: "a" }], reason: "x" }, "event_id"],
      [{ identities: [{ ad_id: "\ud800", event_id: "e" }], reason: "x" }, "ad_id"],
    ];
    for (const [body, field] of wrong) {
      const { status, body: problem } = await post("/v1/admin/void", body);
      assert.equal(status, 400, JSON.stringify(body));
      assert.match(`${String(problem["field"])} ${String(problem["detail"])}`, new RegExp(field));
    }
  });
});

describe("a release", () => {
  const range = { from: expiredMs - hourMs, to: expiredMs + hourMs, reason: "a server was away" };

  it("counts what had expired, deduplicated again, and tells of it", async () => {
    const ad_id = newAd();
    for (const event_id of ["one", "one", "two"]) {
      const answer = await send({ ad_id, event_id, click_timestamp: expiredMs });
      assert.equal(answer["expired"], 1);
    }
    const { body } = await service.get(`/v1/quarantine?window=3d&ad_id=${ad_id}`);
    const listed = (body["rows"] as Json[]).map(({ event_id, outcome }) => [event_id, outcome]);
    assert.deepEqual(listed, [
      ["one", "expired"],
      ["one", "expired"],
      ["two", "expired"],
    ]);
    const released = { released: 2, duplicates: 1 };
    assert.deepEqual(await resultOf("/v1/admin/release", { ...range, ad_id }), released);
    const nothing = { released: 0, duplicates: 0 };
    const again = await post("/v1/admin/release", { ...range, ad_id, id: "again-1" });
    assert.deepEqual(again.body["result"], nothing);
    assert.deepEqual((await service.get("/v1/admin/operations/again-1")).body, again.body);
    assert.equal((await count(ad_id, expiredMs))["count"], 2);
    assert.deepEqual(await journal(ad_id), [[0, 2, 1, "release"]]);
    assert.deepEqual((await outcomes(ad_id)).toSorted(), ["duplicate", "restated", "restated"]);
    const audit = await post("/v1/admin/audit", {});
    assert.deepEqual([audit.body["differing_rows"], audit.body["ledger_balanced"]], [0, true]);
  });

  it("pages through the quarantine, as CSV too", async () => {
    const ad_id = newAd();
    for (const event_id of ["one", "two", "three"])
      await send({ ad_id, event_id, click_timestamp: expiredMs });
    const all: string[] = [];
    let cursor = "";
    do {
      const page = await service.get(`/v1/quarantine?window=3d&ad_id=${ad_id}&limit=1${cursor}`);
      all.push(...(page.body["rows"] as Json[]).map(({ event_id }) => event_id as string));
      const next = page.body["next_cursor"] as string | null;
      cursor = next === null ? "" : `&cursor=${next}`;
    } while (cursor !== "");
    assert.deepEqual(all, ["one", "two", "three"]);
    const response = await fetch(`${service.url}/v1/quarantine?window=3d&ad_id=${ad_id}`, {
      headers: { accept: "text/csv" },
    });
    const rows: Json[] = parse(await response.text(), { columns: true });
    assert.deepEqual(
      rows.map((row) => row["event_id"]),
      all,
    );
  });

  it("is refused with what is wrong", async () => {
    const wrong: readonly (readonly [Json, string])[] = [
      [{ ...range, to: range.from }, "to"],
      [{ ...range, from: "yesterday" }, "from"],
      [{ ...range, reason: undefined }, "reason"],
      [{ ...range, ad_id: "" }, "ad_id"],
    ];
    for (const [body, field] of wrong) {
      const { status, body: problem } = await post("/v1/admin/release", body);
      assert.equal(status, 400, JSON.stringify(body));
      assert.match(`${String(problem["field"])} ${String(problem["detail"])}`, new RegExp(field));
    }
    assert.equal((await service.get("/v1/admin/operations/nobody")).status, 404);
  });
});
