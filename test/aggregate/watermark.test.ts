import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Watermark } from "../../src/aggregate/watermark.ts";
import { finalBeforeMinute } from "../../src/model/finality.ts";
import { minuteMs } from "../../src/model/time.ts";
import { testConfig } from "../support/random-clicks.ts";

describe("a watermark", () => {
  it("never goes back", () => {
    const watermark = new Watermark(-Infinity, [testConfig]);
    assert.equal(watermark.finalBeforeMinute, -Infinity);
    watermark.advanceTo(5 * minuteMs);
    watermark.advanceTo(4 * minuteMs);
    assert.equal(watermark.ms, 5 * minuteMs);
  });

  it("makes a bucket final at its end plus the allowed lateness, not a millisecond before", () => {
    const watermark = new Watermark(0, [testConfig]);
    watermark.advanceTo(11 * minuteMs + testConfig.allowedLatenessMs - 1);
    assert.equal(watermark.finalBeforeMinute, 10);
    watermark.advanceTo(11 * minuteMs + testConfig.allowedLatenessMs);
    assert.equal(watermark.finalBeforeMinute, 11);
  });

  it("knows at every step what is final, whatever configurations there are", () => {
    const lateness = fc.constantFrom(0, 1, 30_000, minuteMs, 5 * minuteMs);
    const changes = fc.array(fc.tuple(fc.integer({ min: 1, max: 8 }), lateness), { maxLength: 3 });
    const steps = fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 60 });
    fc.assert(
      fc.property(lateness, changes, steps, (first, later, moves) => {
        const configs = [{ ...testConfig, allowedLatenessMs: first }];
        for (const [minutes, allowedLatenessMs] of later) {
          const fromMinute = configs.at(-1)!.fromMinute + minutes;
          configs.push({ ...testConfig, fromMinute, allowedLatenessMs });
        }
        const watermark = new Watermark(0, configs);
        let finalBefore = -Infinity;
        for (const move of moves) {
          watermark.advanceTo(watermark.ms + move);
          assert.equal(watermark.finalBeforeMinute, finalBeforeMinute(configs, watermark.ms));
          assert.ok(watermark.finalBeforeMinute >= finalBefore);
          finalBefore = watermark.finalBeforeMinute;
        }
      }),
    );
  });

  it("goes by the configurations of its own log until it is told of more", () => {
    const newer = { ...testConfig, generation: 2, fromMinute: 10, allowedLatenessMs: 5 * minuteMs };
    const watermark = new Watermark(0, [testConfig]);
    assert.equal(watermark.finalBeforeAt(14 * minuteMs), 13);
    watermark.reconfigure([testConfig, newer]);
    assert.equal(watermark.finalBeforeAt(14 * minuteMs), 10);
  });
});
