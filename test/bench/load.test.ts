import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BodyOutcome } from "../../bench/load-generator.ts";
import { acksOf } from "../../bench/prepared-load.ts";
import { recoverySeconds } from "../../bench/recovery.ts";
import { dueTimes } from "../../bench/schedule.ts";
import { Workload, lineOf } from "../../bench/workload.ts";

function body(dueMs: number, ackMs: number | null, isDropped = false): BodyOutcome {
  return { dueMs, ackMs, isDropped, refusalMs: isDropped ? [1] : [] };
}

describe("an open-loop load", () => {
  it("has bodies due by their rate, phase after phase", () => {
    const due = dueTimes(
      [
        { rate: 1_000, seconds: 1 },
        { rate: 2_000, seconds: 0.5 },
      ],
      500,
    );
    assert.deepEqual(due, [0, 500, 1_000, 1_250]);
  });

  it("counts what was never taken as waiting until the end, and what was dropped not at all", () => {
    const bodies = [body(0, 5), body(1_000, null), body(1_500, null, true), body(3_000, 7)];
    const report = { clicks: 0, warmUpClicks: 0, duplicates: 0, seconds: 4, bodies, cpuSeconds: 0 };
    assert.deepEqual(acksOf(report), [5, 3_000, 7]);
    assert.deepEqual(acksOf(report, 1, 2_000), [3_000]);
  });

  it("has recovered at the first body from which on none is slow or refused", () => {
    const before = [body(0, 9_000), body(900, null, true)];
    const good = [body(1_000, 10), body(2_000, 10)];
    assert.equal(recoverySeconds([...before, ...good], 1_000, 250), 0);
    const later = [body(1_000, 10), body(1_100, null, true), body(1_300, 300), body(1_500, 250)];
    assert.equal(recoverySeconds([...later, ...before], 1_000, 250), 0.5);
    assert.equal(recoverySeconds([body(1_000, 251)], 1_000, 250), undefined);
  });
});

describe("the workload", () => {
  it("is the same for the same seed, with duplicates once there is something to repeat", () => {
    const [one, other] = [new Workload(7), new Workload(7)];
    const lines = one.clicks(20_000, 1e12).map(lineOf);
    assert.deepEqual(other.clicks(20_000, 1e12).map(lineOf), lines);
    assert.equal(new Set(lines).size, lines.length - one.duplicates);
    assert.ok(Math.abs(one.duplicates / lines.length - 0.04) < 0.01);
  });

  it("takes other numbers of ads and dimensions, and is otherwise as it was", () => {
    const usual = JSON.parse(lineOf(new Workload(7).next(1e12))) as object;
    const more = JSON.parse(lineOf(new Workload(7, { furtherDimensions: 2 }).next(1e12))) as object;
    const { d1, d2, ...rest } = more as { d1: string; d2: string };
    assert.deepEqual(rest, usual);
    assert.match(`${d1}${d2}`, /^v[0-3]v[0-3]$/);
    const ads = new Set(new Workload(7, { ads: 3 }).clicks(200, 1e12).map(({ ad_id }) => ad_id));
    assert.equal(ads.size, 3);
  });
});
