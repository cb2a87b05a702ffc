import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatDuration, formatSize, parseDuration, parseSize } from "../../src/config/units.ts";

describe("durations and sizes", () => {
  it("are read with their units", () => {
    assert.equal(parseDuration("250ms"), 250);
    assert.equal(parseDuration("15s"), 15_000);
    assert.equal(parseDuration("1.5h"), 5_400_000);
    assert.equal(parseDuration("90d"), 7_776_000_000);
    assert.equal(parseSize("64KB"), 64_000);
    assert.equal(parseSize("64KiB"), 65_536);
    assert.equal(parseSize("1.1GB"), 1_100_000_000);
    assert.equal(parseSize("0B"), 0);
  });

  it("are refused without a unit, with an unknown one, or below the smallest unit", () => {
    for (const text of ["15", "1w", "-1s", "1e3s", "s", "", "0.5ms"])
      assert.equal(parseDuration(text), undefined, text);
    for (const text of ["15", "1XB", "-1B", "0.5B", "99999999TB"])
      assert.equal(parseSize(text), undefined, text);
  });

  it("read back as they were written", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        assert.equal(parseDuration(formatDuration(value)), value);
        assert.equal(parseSize(formatSize(value)), value);
      }),
    );
  });
});
