import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { finalBeforeMinute } from "../../src/model/finality.ts";
import { minuteMs } from "../../src/model/time.ts";
import { testConfig } from "../support/random-clicks.ts";

describe("finality", () => {
  it("has nothing final before there is a watermark", () => {
    assert.equal(finalBeforeMinute([testConfig], -Infinity), -Infinity);
  });

  it("makes a minute final when it and all before it have waited out their lateness", () => {
    const lateness = fc.constantFrom(0, 30_000, minuteMs, 5 * minuteMs);
    const changes = fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), lateness), { maxLength: 3 });
    const watermark = fc.integer({ min: 0, max: 30 * minuteMs });
    fc.assert(
      fc.property(lateness, changes, watermark, (first, later, watermarkMs) => {
        const configs = [{ ...testConfig, allowedLatenessMs: first }];
        for (const [minutes, allowedLatenessMs] of later) {
          const fromMinute = configs.at(-1)!.fromMinute + minutes;
          configs.push({ ...testConfig, fromMinute, allowedLatenessMs });
        }
        let minute = 0;
        for (; minute < 40; minute++) {
          const { allowedLatenessMs } = configs.findLast((config) => config.fromMinute <= minute)!;
          if (watermarkMs < (minute + 1) * minuteMs + allowedLatenessMs) break;
        }
        assert.equal(Math.max(0, finalBeforeMinute(configs, watermarkMs)), minute);
      }),
      { numRuns: 1_000 },
    );
  });
});
