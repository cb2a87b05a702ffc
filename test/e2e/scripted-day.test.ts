/**
 * One day, written down beforehand: what comes when, what must become of it, and what every number must be then. The real
 * service over HTTP, with the clock that the table gives.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Json } from "../support/clocked-service.ts";
import { ClockedService } from "../support/clocked-service.ts";

const day = "2026-03-01";
const dayBefore = "2026-02-28";
const at = (time: string): number => Date.parse(time.includes("T") ? time : `${day}T${time}Z`);

/** When it is received; the click's id and time; what must become of it; the watermark after it. */
interface Sent {
  readonly now: string;
  readonly event: string;
  readonly time: string;
  readonly outcome: string;
  readonly watermark: string;
}

const sent = (
  now: string,
  event: string,
  time: string,
  outcome: string,
  watermark: string,
): Sent => ({
  now,
  event,
  time,
  outcome,
  watermark,
});

const yesterday = `${dayBefore}T09:00:10Z`;

const morning: readonly Sent[] = [
  //   received    id      click_timestamp outcome      watermark
  sent("10:00:30", "e1", "10:00:05", "counted", "09:59:50"),
  sent("10:00:40", "e1", "10:00:05", "duplicates", "09:59:50"),
  sent("10:01:30", "e2", "10:01:20", "counted", "10:01:05"),
  // Late, within the allowed lateness: its minute is final only from a watermark of 10:02:00 on.
  sent("10:02:00", "e3", "10:00:50", "counted", "10:01:05"),
  sent("10:02:05", "e3", "10:00:50", "duplicates", "10:01:05"),
  sent("10:05:00", "e4", "10:04:59", "counted", "10:04:44"),
  // Late, after its minute was final.
  sent("10:05:10", "e5", "10:00:30", "restated", "10:04:44"),
  sent("10:05:20", "e5", "10:00:30", "duplicates", "10:04:44"),
  // Further back than the dedup horizon of 24 hours.
  sent("10:05:30", "e6", yesterday, "expired", "10:04:44"),
  sent("10:05:35", "e6", yesterday, "expired", "10:04:44"),
  // A clock that is 50 s ahead does not hurry the watermark beyond the time of receipt.
  sent("10:05:40", "e7", "10:06:30", "counted", "10:05:25"),
  sent("10:05:45", "e7", "10:06:30", "duplicates", "10:05:30"),
];

/** What the minutes of the ad must say: start, count, status, revision. */
type Minutes = readonly (readonly [
  start: string,
  count: number,
  status: string,
  revision: number,
])[];

/** Entries of the journal: bucket, before, after, revision, reason. */
type Entry = readonly [
  minute: string,
  before: number,
  after: number,
  revision: number,
  reason: string,
];

const ad = "ad-1";

class Day {
  readonly service: ClockedService;

  constructor(service: ClockedService) {
    this.service = service;
  }

  async send(
    { now, event, time }: Pick<Sent, "now" | "event" | "time">,
    ad_id = ad,
  ): Promise<Json> {
    this.service.set(at(now));
    const click = { ad_id, event_id: event, click_timestamp: at(time), country: "DE" };
    return await this.service.post("/v1/clicks?wait=counted", click);
  }

  async play(script: readonly Sent[]): Promise<void> {
    for (const line of script) {
      const answer = await this.send(line);
      assert.deepEqual([answer["status"], answer[line.outcome]], [200, 1], JSON.stringify(line));
      assert.equal(await this.watermark(), at(line.watermark), JSON.stringify(line));
    }
  }

  async watermark(): Promise<number> {
    return Date.parse((await this.service.get("/v1/status"))["watermark"] as string);
  }

  /** One operation; the numbers of what came of it. */
  async operate(now: string, path: string, body: Json): Promise<Json> {
    this.service.set(at(now));
    const answer = await this.service.post(path, body);
    assert.equal(answer["status"], 200, JSON.stringify(answer));
    return answer;
  }

  async expectMinutes(expected: Minutes, ad_id = ad): Promise<void> {
    for (const [start, count, status, revision] of expected) {
      const from = at(start);
      const answer = await this.service.get(
        `/v1/ads/${ad_id}/aggregated_count?from=${from}&to=${from + 60_000}`,
      );
      const found = [start, answer["count"], answer["status"], answer["revision"]];
      assert.deepEqual(found, [start, count, status, revision]);
    }
  }

  async expectJournal(expected: readonly Entry[], ad_id = ad): Promise<void> {
    const range = `from=${at(`${dayBefore}T00:00:00Z`)}&to=${at("23:59:00")}`;
    const { rows } = await this.service.get(`/v1/restatements?ad_id=${ad_id}&${range}`);
    const found = (rows as Json[]).map((row) =>
      ["minute", "before", "after", "revision", "reason"].map((name) => row[name]),
    );
    const iso = (time: string): string => new Date(at(time)).toISOString().replace(".000Z", "Z");
    assert.deepEqual(
      found,
      expected.map(([minute, ...rest]) => [iso(minute), ...rest]),
    );
  }

  async expectStatement(expected: readonly unknown[][]): Promise<void> {
    const { rows } = await this.service.get(`/v1/statement?from=${dayBefore}&to=2026-03-02`);
    const found = (rows as Json[]).map((row) =>
      ["day", "count", "status", "adjustments"].map((name) => row[name]),
    );
    assert.deepEqual(found, expected);
  }

  async expectTotals(expected: Json): Promise<void> {
    const status = await this.service.get("/v1/status");
    assert.deepEqual(status["totals"], expected);
    assert.equal(status["ledger_balanced"], true);
    const audit = await this.service.post("/v1/admin/audit", {});
    assert.deepEqual([audit["differing_rows"], audit["ledger_balanced"]], [0, true]);
  }
}

describe("a scripted day", () => {
  it("comes to what was written down beforehand", async () => {
    await using service = await ClockedService.start(at("09:59:00"));
    const scripted = new Day(service);
    await scripted.play(morning);

    // More than a minute ahead: refused, in the ledger, and nothing moves.
    const future = await scripted.send({ now: "10:05:50", event: "e8", time: "10:06:55" });
    assert.deepEqual([future["status"], future["rejected"]], [400, 1]);
    assert.equal(await scripted.watermark(), at("10:05:30"));

    await scripted.expectMinutes([
      ["10:00:00", 3, "restated", 1],
      ["10:01:00", 1, "final", 0],
      ["10:04:00", 1, "provisional", 0],
      ["10:06:00", 1, "provisional", 0],
    ]);

    // A silent hour: the watermark moves on, and with it what is final.
    service.set(at("11:06:00"));
    await service.tick();
    assert.equal(await scripted.watermark(), at("11:05:45"));
    await scripted.expectMinutes([
      ["10:04:00", 1, "final", 0],
      ["10:06:00", 1, "final", 0],
      ["11:03:00", 0, "final", 0],
      ["11:04:00", 0, "provisional", 0],
    ]);

    // A verdict on two clicks, one of which was never received; the second time it changes nothing.
    const verdict = {
      identities: [
        { ad_id: ad, event_id: "e4" },
        { ad_id: ad, event_id: "e99" },
      ],
      reason: "invalid traffic",
    };
    const voided = await scripted.operate("11:06:10", "/v1/admin/void", verdict);
    assert.deepEqual(voided["result"], { changed: 1, unchanged: 0, not_found: 1 });
    const again = await scripted.operate("11:06:20", "/v1/admin/void", verdict);
    assert.deepEqual(again["result"], { changed: 0, unchanged: 1, not_found: 1 });
    await scripted.expectMinutes([["10:04:00", 0, "restated", 1]]);

    // What had expired is released: one click, and its duplicate.
    const release = {
      from: at(`${dayBefore}T09:00:00Z`),
      to: at(`${dayBefore}T10:00:00Z`),
      reason: "a server was away",
    };
    const released = await scripted.operate("11:10:00", "/v1/admin/release", release);
    assert.deepEqual(released["result"], { released: 1, duplicates: 1 });
    await scripted.expectMinutes([[`${dayBefore}T09:00:00Z`, 1, "restated", 1]]);

    // Accounting closes everything before 11:00; what is not final yet can't be closed.
    service.set(at("11:15:00"));
    const early = await service.post("/v1/admin/close", { through: at("12:00:00") });
    assert.deepEqual([early["status"], early["code"]], [409, "period_not_final"]);
    const closed = await scripted.operate("11:15:00", "/v1/admin/close", {
      through: at("11:00:00"),
    });
    assert.equal(closed["already_closed"], false);
    await scripted.play([sent("11:20:00", "e9", "10:00:10", "restated", "11:05:45")]);
    await scripted.expectMinutes([
      ["10:00:00", 3, "closed", 1],
      ["10:04:00", 0, "closed", 1],
      [`${dayBefore}T09:00:00Z`, 1, "closed", 1],
      ["11:00:00", 0, "final", 0],
    ]);
    await scripted.expectStatement([
      [dayBefore, 1, "closed", 0],
      [day, 5, "provisional", 1],
    ]);
    service.set(at("11:21:00"));
    const repeated = await service.post("/v1/admin/close", { through: at("10:30:00") });
    assert.deepEqual([repeated["status"], repeated["already_closed"]], [200, true]);

    await scripted.expectJournal([
      [`${dayBefore}T09:00:00Z`, 0, 1, 1, "release"],
      ["10:00:00", 2, 3, 1, "late"],
      ["10:00:00", 3, 4, 2, "late"],
      ["10:04:00", 1, 0, 1, "void"],
    ]);
    await scripted.expectTotals({
      received: 14,
      counted: 4,
      duplicate: 5,
      restated: 3,
      quarantined: 0,
      expired: 0,
      invalid: 1,
      voided: 1,
    });

    // What the ledger counted and restated is what there is, with the adjustments of what is closed.
    const range = `from=${at(`${dayBefore}T00:00:00Z`)}&to=${at("23:59:00")}`;
    const { rows } = await service.get(`/v1/breakdown?by=&${range}`);
    assert.deepEqual(rows, [{ count: 4 + 3 - 1 }]);
    const from = at("10:00:00");
    const explained = await service.get(`/v1/ads/${ad}/explain?from=${from}&to=${from + 60_000}`);
    assert.deepEqual([explained["count"], explained["status"]], [3, "closed"]);
  });

  it("keeps late clicks apart where they are quarantined, until they are released", async () => {
    await using service = await ClockedService.start(at("09:59:00"), { late: "quarantine" });
    const scripted = new Day(service);
    await scripted.play([
      sent("10:00:30", "e1", "10:00:05", "counted", "09:59:50"),
      sent("10:05:00", "e2", "10:04:50", "counted", "10:04:35"),
      sent("10:05:10", "e3", "10:00:30", "quarantined", "10:04:35"),
      sent("10:05:20", "e3", "10:00:30", "duplicates", "10:04:35"),
      sent("10:05:30", "e1", "10:00:05", "duplicates", "10:04:35"),
    ]);
    await scripted.expectMinutes([["10:00:00", 1, "final", 0]]);
    await scripted.expectJournal([]);
    const release = { from: at("10:00:00"), to: at("10:01:00"), reason: "checked by hand" };
    const released = await scripted.operate("10:06:00", "/v1/admin/release", release);
    assert.deepEqual(released["result"], { released: 1, duplicates: 0 });
    await scripted.expectMinutes([["10:00:00", 2, "restated", 1]]);
    await scripted.expectJournal([["10:00:00", 1, 2, 1, "release"]]);
    await scripted.play([sent("10:06:10", "e3", "10:00:30", "duplicates", "10:04:35")]);
    await scripted.expectTotals({
      received: 6,
      counted: 2,
      duplicate: 3,
      restated: 1,
      quarantined: 0,
      expired: 0,
      invalid: 0,
      voided: 0,
    });
  });
});
