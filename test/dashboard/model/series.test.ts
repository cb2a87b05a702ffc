import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countsByStart, sparkPoints, wholeSeries } from "../../../dashboard/model/series.ts";

const seconds = (time: string): number => Date.parse(`2026-11-23T${time}:00Z`) / 1000;
const range = (from: string, to: string) => ({
  from: `2026-11-23T${from}:00Z`,
  to: `2026-11-23T${to}:00Z`,
});

describe("a series", () => {
  it("has every minute of its range, and knows which of them are provisional", () => {
    const counts = countsByStart([{ start: "2026-11-23T10:01:00Z", count: 7 }]);
    const series = wholeSeries(counts, range("10:00", "10:03"), "minute", "2026-11-23T10:02:00Z");
    assert.deepEqual(series, [
      { startSeconds: seconds("10:00"), count: 0, status: "final" },
      { startSeconds: seconds("10:01"), count: 7, status: "final" },
      { startSeconds: seconds("10:02"), count: 0, status: "provisional" },
    ]);
  });

  it("has hours of which the first and the last may be cut", () => {
    const series = wholeSeries(new Map(), range("10:20", "12:10"), "hour", "2026-11-23T12:00:00Z");
    assert.deepEqual(
      series.map(({ startSeconds, status }) => [startSeconds, status]),
      [
        [seconds("10:20"), "final"],
        [seconds("11:00"), "final"],
        [seconds("12:00"), "provisional"],
      ],
    );
  });

  it("is provisional where nothing is final yet", () => {
    const [only] = wholeSeries(new Map(), range("10:00", "10:01"), "minute", null);
    assert.equal(only!.status, "provisional");
  });
});

describe("a line of counts", () => {
  it("reaches from side to side, and the highest to the top", () => {
    const counts = new Map([
      [1, 5],
      [3, 10],
    ]);
    assert.equal(sparkPoints(counts, [1, 2, 3], 100, 20), "0,10 50,20 100,0");
    assert.equal(sparkPoints(new Map(), [1, 2], 100, 20), "0,20 100,20");
    assert.equal(sparkPoints(counts, [], 100, 20), "");
  });
});
