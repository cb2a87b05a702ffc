import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseAdChange, parseAdChanges } from "../../src/api/ad-attributes.ts";
import type { ErrorCode } from "../../src/model/errors.ts";
import { CodedError } from "../../src/model/errors.ts";
import { minuteOf } from "../../src/model/time.ts";

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const rules = { attributes: ["campaign_id", "brand"], nowMs };

function refusal(run: () => unknown): CodedError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof CodedError);
    return error;
  }
  return assert.fail("it was taken");
}

describe("a change of an ad's attributes", () => {
  it("may be written plain or below attributes, and holds from now on unless it says when", () => {
    const expected = {
      ad_id: "a",
      attributes: { campaign_id: "c1", brand: null },
      valid_from_minute: minuteOf(nowMs),
    };
    assert.deepEqual(parseAdChange("a", { campaign_id: "c1", brand: null }, rules), expected);
    assert.deepEqual(
      parseAdChange("a", { attributes: { campaign_id: "c1", brand: null } }, rules),
      expected,
    );
  });

  it("takes valid_from as RFC 3339 or epoch milliseconds", () => {
    const validFrom = Date.UTC(2025, 5, 1, 12, 30, 59);
    for (const valid_from of ["2025-06-01T14:30:59+02:00", validFrom]) {
      const change = parseAdChange("a", { brand: "b", valid_from }, rules);
      assert.equal(change.valid_from_minute, minuteOf(validFrom));
    }
  });

  const wrong: readonly (readonly [string, unknown, unknown, string | undefined, ErrorCode])[] = [
    ["no object", "a", [], undefined, "invalid_parameter"],
    ["no attribute", "a", {}, "attributes", "invalid_parameter"],
    ["attributes that are no object", "a", { attributes: "c1" }, "attributes", "invalid_parameter"],
    [
      "a member beside attributes",
      "a",
      { attributes: { brand: "b" }, campaign_id: "c" },
      "campaign_id",
      "invalid_parameter",
    ],
    ["an attribute that is not declared", "a", { colour: "red" }, "colour", "unknown_dimension"],
    ["a number for a text", "a", { brand: 7 }, "brand", "invalid_parameter"],
    ["an empty text", "a", { brand: "" }, "brand", "invalid_parameter"],
    ["a text that is too long", "a", { brand: "ü".repeat(129) }, "brand", "invalid_parameter"],
    [
      "a time without an offset",
      "a",
      { brand: "b", valid_from: "2025-06-01T14:30:59" },
      "valid_from",
      "invalid_parameter",
    ],
    ["a time before 1970", "a", { brand: "b", valid_from: -1 }, "valid_from", "invalid_parameter"],
    ["an ad_id that is too long", "ü".repeat(129), { brand: "b" }, "ad_id", "invalid_parameter"],
    ["an ad_id that is no text", 7, { brand: "b" }, "ad_id", "invalid_parameter"],
  ];
  for (const [what, adId, body, field, code] of wrong) {
    it(`is refused with ${what}`, () => {
      const error = refusal(() => parseAdChange(adId, body, rules));
      assert.deepEqual([error.code, error.field], [code, field]);
    });
  }
});

describe("changes of many ads", () => {
  it("are refused whole, with every bad item named", () => {
    const items = [{ ad_id: "a", brand: "b" }, { ad_id: "b", brand: 7 }, 8, { brand: "b" }];
    const error = refusal(() => parseAdChanges(items, rules));
    assert.equal(error.field, "[1].brand");
    const errors = error.details["errors"] as { index: number; field?: string; code: string }[];
    assert.deepEqual(
      errors.map(({ index, field }) => [index, field]),
      [
        [1, "brand"],
        [2, undefined],
        [3, "ad_id"],
      ],
    );
  });
});
