import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Condition } from "../../../dashboard/model/filter.ts";
import {
  conditionOfCell,
  describeCondition,
  formatConditions,
  narrowed,
  parseConditions,
  valuesThatFit,
} from "../../../dashboard/model/filter.ts";
import { formatFilter, parseFilter } from "../../../src/model/parse-filter.ts";

const condition: fc.Arbitrary<Condition> = fc.record(
  {
    field: fc.constantFrom("country", "device", "ad.campaign_id", "ad_id"),
    isNot: fc.boolean(),
    values: fc.uniqueArray(fc.string({ unit: "grapheme", maxLength: 8 }), { maxLength: 4 }),
  },
  { noNullPrototype: true },
);

describe("conditions", () => {
  it("are read back from their text as they were, whatever stands in the values", () => {
    fc.assert(
      fc.property(fc.array(condition, { maxLength: 4 }), (conditions) => {
        assert.deepEqual(parseConditions(formatConditions(conditions)), conditions);
      }),
    );
  });

  it("mean to the service what they mean here: it finds every one of them in the text", () => {
    fc.assert(
      fc.property(fc.array(condition, { minLength: 1, maxLength: 4 }), (conditions) => {
        const text = formatConditions(conditions);
        const filter = parseFilter(text);
        const operands = filter.kind === "and" ? filter.operands : [filter];
        assert.deepEqual(
          operands.map((found) => found.kind === "comparison" && found.field),
          conditions.map(({ field }) => field),
        );
        // The canonical form, which answers and links have, reads the same.
        assert.deepEqual(parseConditions(formatFilter(filter)), conditions);
      }),
    );
  });

  for (const [text, expected] of [
    ["", []],
    ["country==US", [{ field: "country", isNot: false, values: ["US"] }]],
    [
      " country == US ; device!='a b' ",
      [
        { field: "country", isNot: false, values: ["US"] },
        { field: "device", isNot: true, values: ["a b"] },
      ],
    ],
    ["ip=null=true", [{ field: "ip", isNot: false, values: [] }]],
    ["ip=null=false", [{ field: "ip", isNot: true, values: [] }]],
    ['device=out=(tv, "x,y")', [{ field: "device", isNot: true, values: ["tv", "x,y"] }]],
  ] as const) {
    it(`are read from '${text}'`, () => assert.deepEqual(parseConditions(text), expected));
  }

  for (const text of [
    "country==US,country==DE",
    "(country==US)",
    "country==US;",
    "country==US;;device==tv",
    "country",
    "country==",
    "country=in=()",
    "country=in=(a,)",
    "country==(a)",
    "ip=null=maybe",
    "country~=x",
  ])
    it(`are not what '${text}' says`, () => assert.equal(parseConditions(text), undefined));

  it("narrow any filter, an `or` as well", () => {
    const added = [conditionOfCell("device", null), conditionOfCell("country", "US")];
    assert.equal(narrowed("", added), "device=null=true;country==US");
    assert.equal(narrowed("ip==10.0.0.1", added), "ip==10.0.0.1;device=null=true;country==US");
    const both = narrowed("country==US,country==DE", [conditionOfCell("device", "tv")]);
    assert.equal(both, "(country==US,country==DE);device==tv");
    assert.equal(parseFilter(both).kind, "and");
    assert.equal(narrowed("country==US,country==DE", []), "country==US,country==DE");
  });

  it("take as many values as an address has room for", () => {
    assert.deepEqual(valuesThatFit(["ad-1", "ad-2"]), ["ad-1", "ad-2"]);
    assert.deepEqual(valuesThatFit(["aaaa", "bbbb", "cccc"], 14), ["aaaa", "bbbb"]);
    const long = Array.from({ length: 100 }, (_, i) => `${i}${"é".repeat(120)}`);
    const fitting = valuesThatFit(long);
    assert.ok(fitting.length > 3 && fitting.length < 100, `${fitting.length} fit`);
    const text = formatConditions([{ field: "ad_id", isNot: false, values: fitting }]);
    assert.ok(encodeURIComponent(text).length < 6_100);
  });

  it("are said in words", () => {
    const said = (isNot: boolean, ...values: string[]) =>
      describeCondition({ field: "country", isNot, values });
    assert.equal(said(false, "US"), "country is US");
    assert.equal(said(true, "US", "DE"), "country is not US or DE");
    assert.equal(said(false, "US", "DE", "FR"), "country is US, DE or FR");
    assert.equal(said(false, "US", "DE", "FR", "GB"), "country is US, DE or 2 more");
    assert.equal(said(false), "country is missing");
    assert.equal(said(true), "country is there");
  });
});
