import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import { encodeClickBatch } from "../../src/model/click-batch-codec.ts";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import { dayMs, hourMs, minuteMs } from "../../src/model/time.ts";
import { runCommand } from "../commands/run-command.ts";
import type { Answer, Json } from "./running-service.ts";
import { RunningService, click, newAd } from "./running-service.ts";

let service: RunningService;
before(async () => {
  service = await RunningService.start();
  // The watermark is at the present from here on.
  await service.assertLives();
});
after(() => service[Symbol.asyncDispose]());

const zone = "Europe/Berlin";
const dateOf = (timeMs: number): string =>
  new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).format(timeMs);
const nowMs = Date.now();
/** A day that began an hour ago at least, so that all before it is final, and those before it. */
const [dayBefore, yesterday, today] = [2, 1, 0].map((days) =>
  dateOf(nowMs - hourMs - days * dayMs),
) as [string, string, string];

async function send(fields: Json): Promise<Json> {
  const body = JSON.stringify(click(fields));
  const answer = await service.send("POST", "/v1/clicks?wait=counted", body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

/** Of any age, also beyond the horizon. */
async function importClick(ad_id: string, click_timestamp: number): Promise<void> {
  const batch = new ClickBatchBuilder(defaultDimensions);
  batch.add({ ad_id, click_timestamp, event_id: crypto.randomUUID(), dimensions: {} });
  const path = "/v1/admin/import?source=import:old&wait=counted";
  const type = { "content-type": "application/vnd.clicktally.click-batch" };
  const body = Uint8Array.from(encodeClickBatch(batch.build()));
  const answer = await service.send("POST", path, body, type);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
}

const close = (body: Json): Promise<Answer> =>
  service.send("POST", "/v1/admin/close", JSON.stringify(body));

async function statement(parameters: Json): Promise<Json> {
  const query = new URLSearchParams(parameters as Record<string, string>);
  const { status, body } = await service.get(`/v1/statement?${query.toString()}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

const lines = (answer: Json): unknown[][] =>
  (answer["rows"] as Json[]).map((row) =>
    ["day", "count", "status", "adjustments"].map((name) => row[name]),
  );

describe("a period", () => {
  it("is not closed while a minute of it is not final, and nothing is said to be", async () => {
    for (const through of [
      new Date(nowMs + hourMs - (nowMs % hourMs)).toISOString(),
      "2100-01-01",
    ]) {
      const { status, body } = await close({ through });
      assert.deepEqual([status, body["code"], body["field"]], [409, "period_not_final", "through"]);
      assert.equal(typeof body["final_through"], "string");
    }
    const { body } = await service.get("/v1/closes");
    assert.deepEqual([body["closed_through"], body["closes"]], [null, []]);
  });

  it("is refused by name where it is none", async () => {
    const wrong: readonly (readonly [Json, string])[] = [
      [{ through: "yesterday" }, "through"],
      [{ through: "2026-02-30" }, "through"],
      [{ through: "2026-02-03T00:00:01Z" }, "through"],
      [{ through: "1969-12-31" }, "through"],
      [{ through: "2026-02-03", tz: "Mars/Base" }, "tz"],
    ];
    for (const [body, field] of wrong) {
      const answer = await close(body);
      const told = [answer.status, answer.body["code"], answer.body["field"]];
      assert.deepEqual(told, [400, "invalid_parameter", field], JSON.stringify(body));
    }
  });

  it("is sealed once, stays as it is, and has beside it what follows", async () => {
    const ad_id = newAd();
    const other = newAd();
    const startMs = Date.parse((await closeOfDay()).through);
    const at = (minutes: number): number => startMs - minutes * minuteMs;
    await importClick(ad_id, at(1));
    await importClick(ad_id, at(60));
    const range = { from: dayBefore, to: today, tz: zone };
    assert.deepEqual(lines(await statement({ ...range, ad_id })), [[yesterday, 2, "final", 0]]);

    const closed = await close({ through: today, tz: zone, id: "close-1" });
    assert.equal(closed.status, 200, JSON.stringify(closed.body));
    assert.deepEqual(
      [closed.body["through"], closed.body["tz"], closed.body["already_closed"]],
      [new Date(startMs).toISOString().replace(".000Z", "Z"), zone, false],
    );
    await importClick(ad_id, at(1));
    await importClick(ad_id, at(3));
    await importClick(other, at(2));

    const again = await close({ through: today, tz: zone });
    assert.deepEqual(
      [again.status, again.body["already_closed"], again.body["as_of"]],
      [200, true, closed.body["as_of"]],
    );
    const earlier = await close({ through: yesterday, tz: zone });
    assert.deepEqual([earlier.status, earlier.body["already_closed"]], [200, true]);

    const mine = await statement({ ...range, ad_id });
    assert.deepEqual(lines(mine), [[yesterday, 2, "closed", 2]]);
    const [row] = mine["rows"] as Json[];
    assert.deepEqual([row!["ad_id"], row!["zone"]], [ad_id, zone]);
    assert.equal(row!["as_of"], closed.body["as_of"]);
    assert.equal(mine["status"], "closed");
    assert.deepEqual(lines(await statement({ ...range, ad_id: other })), [
      [yesterday, 0, "closed", 1],
    ]);
    const ofDay = `from=${at(1440)}&to=${startMs}`;
    const { body: count } = await service.get(`/v1/ads/${ad_id}/aggregated_count?${ofDay}`);
    assert.deepEqual([count["count"], count["status"]], [2, "closed"]);
    const { body: closes } = await service.get("/v1/closes");
    assert.equal(closes["closed_through"], closed.body["through"]);
    assert.deepEqual(
      (closes["closes"] as Json[]).map((entry) => [entry["id"], entry["tz"], entry["as_of"]]),
      [["close-1", zone, closed.body["as_of"]]],
    );
  });

  it("may be told page by page, as CSV and from the shell", async () => {
    await send({ ad_id: newAd() });
    const range = { from: dayBefore, to: dateOf(nowMs + dayMs), tz: zone };
    const whole = (await statement(range))["rows"] as Json[];
    assert.ok(whole.length >= 4, JSON.stringify(whole));
    const rows: Json[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await statement({ ...range, limit: "1", ...(cursor && { cursor }) });
      rows.push(...(page["rows"] as Json[]));
      cursor = page["next_cursor"] as string | null;
    }
    const shown = (all: readonly Json[]): unknown[] =>
      all.map((row) => [row["day"], row["ad_id"], row["count"], row["adjustments"]]);
    assert.deepEqual(shown(rows), shown(whole));
    const flags = ["--from", range.from, "--to", range.to, "--tz", zone, "--url", service.url];
    const csv = await runCommand(["statement", ...flags, "--limit", "100", "--csv"]);
    assert.equal(csv.exitCode, 0, csv.stderr);
    const parsed: Record<string, string>[] = parse(csv.stdout, { columns: true });
    assert.deepEqual(
      parsed.map((row) => [
        row["day"],
        row["ad_id"],
        Number(row["count"]),
        Number(row["adjustments"]),
      ]),
      shown(whole),
    );
    const table = await runCommand(["statement", ...flags]);
    assert.match(table.stdout, /^ad_id +day +zone +count +status +as_of +adjustments\n/);
    const closing = ["close", "--through", today, "--tz", zone, "--url", service.url];
    const closed = await runCommand(closing);
    assert.match(closed.stdout, /^all before \S+ was closed already, as of commit \d+\n$/);
    const early = await runCommand([...closing, "--through", "2100-01-01"]);
    assert.equal(early.exitCode, 3, early.stdout);
    assert.match(early.stderr, /not all minutes before .* are final yet/);
  });

  it("of a statement is refused by name where it is none", async () => {
    const day = { from: yesterday, to: today };
    const wrong: readonly (readonly [Json, string])[] = [
      [{ to: today }, "from"],
      [{ from: today }, "to"],
      [{ from: today, to: today }, "to"],
      [{ from: today, to: yesterday }, "to"],
      [{ from: "2020-01-01", to: today }, "to"],
      [{ ...day, tz: "Mars/Base" }, "tz"],
      [{ ...day, limit: "0" }, "limit"],
      [{ ...day, cursor: "x" }, "cursor"],
      [{ ...day, ad_id: "" }, "ad_id"],
      [{ ...day, window: "5" }, "window"],
    ];
    for (const [parameters, field] of wrong) {
      const query = new URLSearchParams(parameters as Record<string, string>);
      const { status, body } = await service.get(`/v1/statement?${query.toString()}`);
      assert.deepEqual([status, body["field"]], [400, field], JSON.stringify(body));
    }
  });
});

/** The beginning of today in the zone. */
async function closeOfDay(): Promise<{ readonly through: string }> {
  const { body } = await service.get(
    `/v1/statement?from=${yesterday}&to=${today}&tz=${encodeURIComponent(zone)}`,
  );
  return { through: body["to"] as string };
}
