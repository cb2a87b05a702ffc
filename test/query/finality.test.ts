import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { defaultDimensions } from "../../src/model/dimensions.ts";
import { minuteMs } from "../../src/model/time.ts";
import { ConfigHistory } from "../../src/query/config-history.ts";
import { finalThroughMinute, serviceWatermarkMs, statusOf } from "../../src/query/finality.ts";
import { configOf } from "./hot-fixture.ts";

const none = { summarize: () => ({ restated: false, revision: 0 }) };
const some = { summarize: () => ({ restated: true, revision: 2 }) };

describe("the service's watermark", () => {
  const at = (partition: number, watermarkMs: number) => ({
    partition,
    nextOffset: 1,
    watermarkMs,
  });

  it("is the lowest of all partitions", () => {
    assert.equal(serviceWatermarkMs([at(0, 500), at(1, 300), at(2, 400)], 3), 300);
  });

  it("is missing while a partition has none", () => {
    assert.equal(serviceWatermarkMs([at(0, 500), at(1, -Infinity)], 2), undefined);
    assert.equal(serviceWatermarkMs([at(0, 500)], 2), undefined);
    assert.equal(serviceWatermarkMs([], 0), undefined);
  });
});

describe("final_through", () => {
  const configs = new ConfigHistory([configOf(defaultDimensions, { allowedLatenessMs: minuteMs })]);

  it("lies allowed_lateness behind the watermark, at a minute's boundary", () => {
    assert.equal(finalThroughMinute(100 * minuteMs, configs), 99);
    assert.equal(finalThroughMinute(100 * minuteMs - 1, configs), 98);
    assert.equal(finalThroughMinute(undefined, configs), undefined);
  });

  it("follows the lateness in force at each minute", () => {
    const longer = configOf(defaultDimensions, {
      generation: 2,
      fromMinute: 90,
      allowedLatenessMs: 10 * minuteMs,
    });
    configs.add(longer);
    assert.equal(finalThroughMinute(95 * minuteMs, configs), 90);
    assert.equal(finalThroughMinute(101 * minuteMs, configs), 91);
  });
});

describe("the status of a range", () => {
  const range = { fromMinute: 10, toMinute: 20 };

  it("is closed if all buckets are, provisional if any is, else restated if any is, else final", () => {
    const marks = (finalThrough: number | undefined, closedThrough = -Infinity) => ({
      finalThrough,
      closedThrough,
    });
    assert.equal(statusOf(range, marks(19), some), "provisional");
    assert.equal(statusOf(range, marks(undefined), none), "provisional");
    assert.equal(statusOf(range, marks(20), some), "restated");
    assert.equal(statusOf(range, marks(20), none), "final");
    assert.equal(statusOf(range, marks(20, 20), some), "closed");
    assert.equal(statusOf(range, marks(20, 19), some), "restated");
    assert.equal(statusOf(range, marks(19, 15), some), "provisional");
  });
});
