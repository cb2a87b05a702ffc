import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { checkFilter } from "../../src/model/check-filter.ts";
import type { KnownFields } from "../../src/model/check-filter.ts";
import { CodedError } from "../../src/model/errors.ts";
import type { Comparison, ComparisonOperator, Filter } from "../../src/model/filter.ts";
import { filterBytesMax, formatFilter, parseFilter } from "../../src/model/parse-filter.ts";

function is(field: string, operator: ComparisonOperator, ...values: string[]): Comparison {
  return { kind: "comparison", field, operator, values };
}
const and = (...operands: Filter[]): Filter => ({ kind: "and", operands });
const or = (...operands: Filter[]): Filter => ({ kind: "or", operands });

/** The error that a text is refused with. */
function refusal(text: string): CodedError {
  try {
    parseFilter(text);
  } catch (error) {
    assert.ok(error instanceof CodedError);
    assert.equal(error.code, "invalid_filter");
    assert.equal(error.field, "filter");
    return error;
  }
  assert.fail(`accepted: ${text}`);
}

describe("parseFilter", () => {
  const accepted: readonly (readonly [string, Filter])[] = [
    ["country==US", is("country", "==", "US")],
    ["country!=US", is("country", "!=", "US")],
    ["device=in=(mobile,tablet)", is("device", "=in=", "mobile", "tablet")],
    ["device=in=mobile", is("device", "=in=", "mobile")],
    ["device=out=(mobile)", is("device", "=out=", "mobile")],
    ["device=null=true", is("device", "=null=", "true")],
    ["device=null=false", is("device", "=null=", "false")],
    ["ad.campaign_id==c-1", is("ad.campaign_id", "==", "c-1")],
    ["a==1;b==2", and(is("a", "==", "1"), is("b", "==", "2"))],
    ["a==1,b==2", or(is("a", "==", "1"), is("b", "==", "2"))],
    ["a==1;b==2,c==3", or(and(is("a", "==", "1"), is("b", "==", "2")), is("c", "==", "3"))],
    ["a==1;(b==2,c==3)", and(is("a", "==", "1"), or(is("b", "==", "2"), is("c", "==", "3")))],
    ["((a==1))", is("a", "==", "1")],
    ["(a==1;b==2);c==3", and(is("a", "==", "1"), is("b", "==", "2"), is("c", "==", "3"))],
    [" a == 1 ; ( b == 2 ) ", and(is("a", "==", "1"), is("b", "==", "2"))],
    ["ip==2001:db8::1", is("ip", "==", "2001:db8::1")],
    ['a=="x y;(z)"', is("a", "==", "x y;(z)")],
    ["a=='it\\'s'", is("a", "==", "it's")],
    ['a=="back\\\\slash \\"quoted\\""', is("a", "==", 'back\\slash "quoted"')],
    ['a==""', is("a", "==", "")],
    ["a==größe", is("a", "==", "größe")],
    ["a=in=('x,y',z)", is("a", "=in=", "x,y", "z")],
  ];
  for (const [text, filter] of accepted) {
    it(`reads ${text}`, () => assert.deepEqual(parseFilter(text), filter));
  }

  const refused: readonly (readonly [
    text: string,
    position: number,
    found: RegExp,
    expected: RegExp,
  ])[] = [
    ["", 0, /the end/, /field name/],
    ["country", 7, /the end/, /==.*!=.*=in=.*=out=.*=null=/],
    ["country==", 9, /the end/, /a value/],
    ["country=gt=3", 7, /'=gt='/, /=in=/],
    ["country<3", 7, /'<'/, /=in=/],
    ["country>=3", 7, /'>='/, /=in=/],
    ["country=3", 7, /'='/, /==/],
    ["country==US;", 12, /the end/, /field name/],
    ["country==US)", 11, /'\)'/, /the end/],
    ["(country==US", 12, /the end/, /'\)'/],
    ["country==US device==m", 12, /'d'/, /';'/],
    ["country==(US)", 9, /'\('/, /a value/],
    ["a=in=()", 6, /'\)'/, /a value/],
    ["a=in=(x", 7, /the end/, /'\)'/],
    ["a=null=maybe", 7, /'maybe'/, /true or false/],
    ["Country==US", 0, /'Country'/, /field name/],
    ["ad.x.y==1", 0, /'ad.x.y'/, /field name/],
    ["a=='open", 3, /not closed/, /closing '/],
    ["a==1;;b==2", 5, /';'/, /field name/],
    ["a==1,😀==2", 5, /'😀'/, /field name/],
  ];
  for (const [text, position, found, expected] of refused) {
    it(`refuses ${JSON.stringify(text)} and says where, what and what else`, () => {
      const { details, message } = refusal(text);
      assert.equal(details["position"], position, message);
      assert.match(String(details["found"]), found);
      assert.match(String(details["expected"]), expected);
    });
  }

  it("bounds the length, the depth, the comparisons and the values, by name", () => {
    assert.equal(refusal(`a==${"x".repeat(filterBytesMax)}`).details["length_max"], 8192);
    assert.equal(refusal(`a==${"ü".repeat(filterBytesMax / 2)}`).details["length_max"], 8192);
    assert.equal(refusal(`${"(".repeat(33)}a==1${")".repeat(33)}`).details["depth_max"], 32);
    assert.equal(refusal(Array(257).fill("a==1").join(";")).details["comparisons_max"], 256);
    assert.equal(refusal(`a=in=(${Array(1001).fill("1").join(",")})`).details["values_max"], 1000);
    parseFilter(`${"(".repeat(32)}a==1${")".repeat(32)}`);
    parseFilter(Array(256).fill("a==1").join(";"));
    parseFilter(`a=in=(${Array(1000).fill("1").join(",")})`);
  });

  it("refuses any text with a CodedError and nothing else", () => {
    const pieces = fc.constantFrom(
      "a",
      "==",
      "!=",
      "=in=",
      "(",
      ")",
      ";",
      ",",
      "'",
      '"',
      "\\",
      " ",
      "=",
      "ad.",
      "<",
      "é",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        try {
          parseFilter(parts.join(""));
        } catch (error) {
          assert.ok(error instanceof CodedError && error.code === "invalid_filter");
        }
      }),
    );
  });
});

const field = fc.constantFrom("country", "device", "ad_id", "ad.campaign_id", "x9_y");
const value = fc.oneof(
  fc.string({ unit: "binary", maxLength: 6 }),
  fc.constantFrom("US", "a b", "'", '"', "\\", ""),
);
const comparison: fc.Arbitrary<Filter> = fc.oneof(
  fc
    .tuple(field, fc.constantFrom("==", "!=" as const), value)
    .map(([name, operator, one]) => is(name, operator as ComparisonOperator, one)),
  fc
    .tuple(field, fc.constantFrom("=in=", "=out="), fc.array(value, { minLength: 1, maxLength: 4 }))
    .map(([name, operator, values]) => is(name, operator as ComparisonOperator, ...values)),
  fc.tuple(field, fc.boolean()).map(([name, flag]) => is(name, "=null=", String(flag))),
);
const { and: canonical } = fc.letrec<{ and: Filter; or: Filter }>((tie) => ({
  and: fc.oneof(
    { depthSize: "small" },
    comparison,
    operandsOf("and", fc.oneof(comparison, tie("or"))),
  ),
  or: fc.oneof(
    { depthSize: "small" },
    comparison,
    operandsOf("or", fc.oneof(comparison, tie("and"))),
  ),
}));

function operandsOf(kind: "and" | "or", operand: fc.Arbitrary<Filter>): fc.Arbitrary<Filter> {
  return fc
    .array(
      operand.filter((one) => one.kind !== kind),
      { minLength: 2, maxLength: 3 },
    )
    .map((operands) => ({ kind, operands }));
}

describe("formatFilter", () => {
  it("writes a text that reads back as the same filter", () => {
    fc.assert(
      fc.property(canonical, (filter) =>
        assert.deepEqual(parseFilter(formatFilter(filter)), filter),
      ),
    );
  });

  it("writes one text for every way to write a filter", () => {
    const text = formatFilter(parseFilter(" ( a=='1' ; (b==\"2\") ) ; c=in=x "));
    assert.equal(text, "a==1;b==2;c=in=(x)");
  });
});

describe("checkFilter", () => {
  const known: KnownFields = new Map([
    ["ad_id", "string"],
    ["country", "country"],
    ["ip", "ip"],
    ["ad.campaign_id", "string"],
  ]);

  it("names an unknown dimension and lists the known ones", () => {
    assert.throws(
      () => checkFilter(parseFilter("ad_id==1;(colour==red,country==US)"), known),
      (error) =>
        error instanceof CodedError &&
        error.code === "unknown_dimension" &&
        /'colour'/.test(error.message) &&
        assert.deepEqual(error.details["known"], ["ad_id", "country", "ip", "ad.campaign_id"]) ===
          undefined,
    );
  });

  it("brings values to the form in which they are stored", () => {
    const checked = checkFilter(
      parseFilter("country=in=(us,De);ip==2001:DB8:0:0:0:0:0:1,ip!=::ffff:1.2.3.4,ip=null=true"),
      known,
    );
    assert.equal(
      formatFilter(checked),
      "country=in=(US,DE);ip==2001:db8::1,ip!=1.2.3.4,ip=null=true",
    );
  });

  it("refuses what is no address where addresses are asked", () => {
    assert.throws(
      () => checkFilter(parseFilter("ip==1.2.3"), known),
      (error) =>
        error instanceof CodedError &&
        error.code === "invalid_filter" &&
        /'1\.2\.3'/.test(error.message),
    );
  });
});
