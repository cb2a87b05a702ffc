import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { CodedError } from "../../src/model/errors.ts";
import { formatMinute } from "../../src/model/time.ts";
import { resolveRange } from "../../src/model/window.ts";
import type { RangeParameters } from "../../src/model/window.ts";

const nowMs = Date.parse("2026-11-23T10:07:31.5Z");
const ends = { nowMs, finalThroughMinute: Date.parse("2026-11-23T10:05:00Z") / 60_000 };

function resolved(parameters: RangeParameters): string {
  const { fromMinute, toMinute } = resolveRange(parameters, ends);
  return `${formatMinute(fromMinute)} ${formatMinute(toMinute)}`;
}

describe("resolveRange", () => {
  const ranges: readonly (readonly [RangeParameters, string])[] = [
    [{ window: "1" }, "2026-11-23T10:07:00Z 2026-11-23T10:08:00Z"],
    [{ window: "15m" }, "2026-11-23T09:53:00Z 2026-11-23T10:08:00Z"],
    [{ window: "2h" }, "2026-11-23T08:08:00Z 2026-11-23T10:08:00Z"],
    [{ window: "7d" }, "2026-11-16T10:08:00Z 2026-11-23T10:08:00Z"],
    [{ window: "1w" }, "2026-11-16T10:08:00Z 2026-11-23T10:08:00Z"],
    [{ window: "400d" }, "2025-10-19T10:08:00Z 2026-11-23T10:08:00Z"],
    [{ window: "5", end: "final" }, "2026-11-23T10:00:00Z 2026-11-23T10:05:00Z"],
    [
      { from: "2026-11-23T10:00:00Z", to: "2026-11-23T10:01:00Z" },
      "2026-11-23T10:00:00Z 2026-11-23T10:01:00Z",
    ],
    [
      { from: "2026-11-23T10:00:59Z", to: "2026-11-23T10:01:00.001Z" },
      "2026-11-23T10:00:00Z 2026-11-23T10:02:00Z",
    ],
    [
      { from: "2026-11-23T10:00:01Z", to: "2026-11-23T10:00:02Z" },
      "2026-11-23T10:00:00Z 2026-11-23T10:01:00Z",
    ],
    [
      { from: "2026-11-23T12:00:00+02:00", to: "1795428060000" },
      "2026-11-23T10:00:00Z 2026-11-23T10:01:00Z",
    ],
    [{ from: "0", to: "60000" }, "1970-01-01T00:00:00Z 1970-01-01T00:01:00Z"],
  ];
  for (const [parameters, expected] of ranges) {
    it(`takes ${JSON.stringify(parameters)}`, () => assert.equal(resolved(parameters), expected));
  }

  const from = "2026-11-23T10:00:00Z";
  const refused: readonly (readonly [string, RangeParameters, field: string])[] = [
    ["nothing", {}, "window"],
    ["from alone", { from }, "to"],
    ["to alone", { to: from }, "from"],
    ["window with from", { window: "5", from }, "from"],
    ["window with to", { window: "5", to: from }, "to"],
    ["end with from and to", { end: "final", from, to: "2026-11-23T11:00:00Z" }, "end"],
    ["an unknown end", { window: "5", end: "later" }, "end"],
    ["a reversed range", { from, to: "2026-11-23T09:00:00Z" }, "to"],
    ["an empty range", { from, to: from }, "to"],
    ["a window of nothing", { window: "0m" }, "window"],
    ["a negative window", { window: "-5" }, "window"],
    ["a window with an unknown unit", { window: "5y" }, "window"],
    ["an empty window", { window: "" }, "window"],
    ["a fractional window", { window: "1.5h" }, "window"],
    ["a window of more than 400 days", { window: "401d" }, "window"],
    ["a window of many digits", { window: "9999999999999999999999" }, "window"],
    [
      "a range of more than 400 days",
      { from: "2025-01-01T00:00:00Z", to: "2026-03-01T00:00:00Z" },
      "to",
    ],
    ["a time without offset", { from: "2026-11-23T10:00:00", to: from }, "from"],
    ["a date", { from, to: "2026-11-24" }, "to"],
    ["a date that does not exist", { from: "2026-02-30T00:00:00Z", to: from }, "from"],
    ["a time before 1970", { from: "1969-12-31T23:59:00Z", to: "1970-01-01T00:01:00Z" }, "from"],
    ["a time after 2200", { from, to: "9999999999999" }, "to"],
  ];
  for (const [what, parameters, field] of refused) {
    it(`refuses ${what} and names ${field}`, () => {
      assert.throws(
        () => resolveRange(parameters, ends),
        (error) =>
          error instanceof CodedError &&
          error.code === "invalid_parameter" &&
          error.field === field,
      );
    });
  }

  it("refuses end=final while nothing is final", () => {
    assert.throws(
      () => resolveRange({ window: "5", end: "final" }, { nowMs, finalThroughMinute: undefined }),
      (error) => error instanceof CodedError && error.field === "end",
    );
  });
});
