import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CodedError } from "../../src/model/errors.ts";
import type { DecodingOptions } from "./decoding.ts";
import { decodeBody, goodClick, goodRow } from "./decoding.ts";

const good = JSON.stringify(goodClick);
const pretty = JSON.stringify(goodClick, undefined, 2);

function summary(body: string | Uint8Array, options: DecodingOptions = {}) {
  const { decoded, rows } = decodeBody(body, options);
  const { received, accepted, rejected } = decoded;
  assert.equal(received, accepted + rejected);
  assert.equal(rows.length, accepted);
  for (const row of rows) assert.deepEqual(row, goodRow);
  return { accepted, errors: decoded.errors.map(({ index, code }) => `${index} ${code}`) };
}

function refusal(body: string | Uint8Array, options: DecodingOptions = {}): CodedError {
  try {
    decodeBody(body, options);
  } catch (error) {
    assert.ok(error instanceof CodedError, String(error));
    return error;
  }
  assert.fail("the body was taken");
}

describe("a JSON body", () => {
  it("is one click or an array of them", () => {
    assert.deepEqual(summary(good), { accepted: 1, errors: [] });
    assert.deepEqual(summary(`[${good}]`), { accepted: 1, errors: [] });
    assert.deepEqual(summary(`[${good},${good},${pretty}]`), { accepted: 3, errors: [] });
    assert.deepEqual(summary("[]"), { accepted: 0, errors: [] });
  });

  it("may have white space and line ends anywhere", () => {
    const spaced = ` \r\n[ \t${good} ,\r\n${pretty.replaceAll(":", " :\t").replaceAll("T09 :\t59 :\t58", "T09:59:58")}\n]\n `;
    assert.deepEqual(summary(spaced), { accepted: 2, errors: [] });
    assert.deepEqual(summary(` [ \n ] `), { accepted: 0, errors: [] });
  });

  it("may start with a byte order mark", () => {
    assert.deepEqual(summary(`\ufeff${good}`), { accepted: 1, errors: [] });
    assert.deepEqual(summary(`\ufeff[${good}]`), { accepted: 1, errors: [] });
  });

  it("loses only what is wrong", () => {
    const body = `[1,${good},"text",null,[${good}],${good},{},{"ad_id":"a"},true,-1.5e3]`;
    assert.deepEqual(summary(body), {
      accepted: 2,
      errors: [
        "0 invalid_type",
        "2 invalid_type",
        "3 invalid_type",
        "4 invalid_type",
        "6 missing_field",
        "7 missing_field",
        "8 invalid_type",
        "9 invalid_type",
      ],
    });
    assert.deepEqual(summary("42"), { accepted: 0, errors: ["0 invalid_type"] });
  });

  const malformed: [body: string, byte: number, expected: string][] = [
    ["", 0, "a value"],
    ["  ", 2, "a value"],
    ["[", 1, "a value"],
    [`[${good}`, 1 + good.length, "',' or ']'"],
    [`[${good},`, 2 + good.length, "a value"],
    [`[${good},]`, 2 + good.length, "a value"],
    [`[${good} ${good}]`, 2 + good.length, "',' or ']'"],
    [`[${good}}`, 1 + good.length, "',' or ']'"],
    [`${good}${good}`, good.length, "the end of the body"],
    [`[${good}] x`, 3 + good.length, "the end of the body"],
    [`[${good},{"ad_id"}]`, 10 + good.length, "':'"],
    [`[${good},{"ad_id":tru}]`, 11 + good.length, "a value"],
    [`[${good},{"ad_id":"a]`, 14 + good.length, "the end of a string"],
    [`[{"a":"\n"}]`, 7, "no control character in a string"],
    ['{"a":"\\x"}', 6, "a known escape"],
    ['{"a":"\\u12g4"}', 6, "four hex digits after \\u"],
    ['{"a":1,}', 7, "a field name in double quotes"],
    ["{a:1}", 1, "a field name in double quotes"],
    ["{'a':1}", 1, "a field name in double quotes"],
    ['{"a":01}', 6, "',' or '}'"],
    ['{"a":-}', 5, "a number"],
    ['{"a":1.}', 5, "a number"],
    ['{"a":[1,2}', 9, "',' or ']'"],
    ['{"a":NaN}', 5, "a value"],
  ];
  for (const [body, byte, expected] of malformed) {
    for (const scanner of [true, false]) {
      it(`is refused whole as ${JSON.stringify(body.replaceAll(good, "GOOD"))} (${scanner ? "scanned" : "parsed"})`, () => {
        const error = refusal(body, { scanner });
        assert.equal(error.code, "malformed_json");
        assert.equal(error.details["byte"], byte);
        assert.ok(error.message.includes(`expected ${expected} at byte ${byte} `), error.message);
      });
    }
  }

  it("is refused with the line and the column of what is wrong", () => {
    const { details, message } = refusal(`[\n${good},\n  {"ad_id": }\n]`);
    assert.deepEqual([details["line"], details["column"]], [3, 13]);
    assert.match(message, /line 3, column 13/);
  });

  it("is refused where it has too many items", () => {
    assert.deepEqual(summary(`[${good},${good}]`, { itemsMax: 2 }), { accepted: 2, errors: [] });
    assert.equal(refusal(`[${good},${good},${good}]`, { itemsMax: 2 }).code, "batch_too_large");
    assert.equal(refusal("[1,2,3]", { itemsMax: 2 }).code, "batch_too_large");
  });

  it("may have items of 1 MiB, and longer ones without harm to others", () => {
    const sized = (bytes: number): string => {
      const item = good.replace("{", '{"x":"",');
      return item.replace('""', `"${"y".repeat(bytes - item.length)}"`);
    };
    const body = `[${sized(1 << 20)},${sized((1 << 20) + 1)},${good}]`;
    for (const scanner of [true, false]) {
      assert.deepEqual(summary(body, { scanner }), { accepted: 2, errors: ["1 field_too_long"] });
    }
  });

  it("may nest as deep as 64 levels in an item, and deeper without harm to others", () => {
    const nested = (levels: number): string =>
      good.replace("{", `{"x":${"[".repeat(levels)}${"]".repeat(levels)},`);
    assert.deepEqual(summary(`[${nested(63)},${nested(64)},${nested(100_000)},${good}]`), {
      accepted: 2,
      errors: ["1 invalid_type", "2 invalid_type"],
    });
  });
});

describe("an NDJSON body", () => {
  const ndjson = { contentType: "ndjson" } as const;

  it("has a click a line, the last one with or without its end", () => {
    assert.deepEqual(summary(`${good}\n${good}\n`, ndjson), { accepted: 2, errors: [] });
    assert.deepEqual(summary(`${good}\n${good}`, ndjson), { accepted: 2, errors: [] });
    assert.deepEqual(summary("", ndjson), { accepted: 0, errors: [] });
  });

  it("may end its lines with CRLF, have blank ones and a byte order mark", () => {
    const body = `\ufeff\r\n${good}\r\n\n  \t\r\n ${good} \r\n\n\n${good}\r\n \t`;
    assert.deepEqual(summary(body, ndjson), { accepted: 3, errors: [] });
  });

  it("loses only the lines that are wrong, and counts no blank ones", () => {
    const lines = [
      good,
      "{",
      "",
      '{"ad_id":"a"',
      "nonsense",
      `${good},`,
      `${good}${good}`,
      good,
      pretty.split("\n")[0],
      "[]",
      `[${good}]`,
      "7",
      "\ufeff{}",
      good,
      '{"ad_id":"',
      good,
    ];
    assert.deepEqual(summary(lines.join("\n"), ndjson), {
      accepted: 4,
      errors: [
        "1 malformed_json",
        "2 malformed_json",
        "3 malformed_json",
        "4 malformed_json",
        "5 malformed_json",
        "7 malformed_json",
        "8 invalid_type",
        "9 invalid_type",
        "10 invalid_type",
        "11 malformed_json",
        "13 malformed_json",
      ],
    });
  });

  it("names the place in the line", () => {
    const { decoded } = decodeBody(`${good}\n  {"ad_id": x}\n${good} ${good}`, ndjson);
    assert.deepEqual(
      decoded.errors.map(({ message }) => message),
      [
        "expected a value at byte 11 of the line",
        `expected the end of the line at byte ${good.length + 2} of the line`,
      ],
    );
  });

  it("takes the last of fields with one name", () => {
    const doubled = good
      .replace("{", '{"ad_id":"first",')
      .replace("}", ',"device":"x","device":"mobile"}');
    for (const scanner of [true, false]) {
      assert.deepEqual(summary(doubled, { ...ndjson, scanner }), { accepted: 1, errors: [] });
    }
  });

  it("takes a name that is written with escapes for the same", () => {
    assert.deepEqual(summary(good.replace("ad_id", "ad\\u005fid"), ndjson), {
      accepted: 1,
      errors: [],
    });
    const both = good
      .replace("{", '{"ad_id":"first",')
      .replace('"ad_id":"ad-1"', '"ad\\u005fid":"ad-1"');
    assert.deepEqual(summary(both, ndjson), { accepted: 1, errors: [] });
  });

  it("does not take names of built-in properties for fields", () => {
    const odd = good.replace("{", '{"__proto__":{"ad_id":"x"},"constructor":1,"toString":null,');
    for (const scanner of [true, false]) {
      assert.deepEqual(summary(odd, { ...ndjson, scanner }), { accepted: 1, errors: [] });
    }
  });

  it("is refused where it has too many items", () => {
    assert.equal(refusal("1\n2\n3", { ...ndjson, itemsMax: 2 }).code, "batch_too_large");
    assert.deepEqual(summary("1\n2\n\n", { ...ndjson, itemsMax: 2 }).errors.length, 2);
  });

  it("lists the first 100 errors and counts all", () => {
    const { decoded } = decodeBody(`${"{}\n".repeat(120)}${"x\n".repeat(30)}`, ndjson);
    assert.equal(decoded.errors.length, 100);
    assert.deepEqual(decoded.rejectCounts, { missing_field: 120, malformed_json: 30 });
    assert.equal(decoded.rejected, 150);
  });

  it("may lie anywhere in a larger buffer", () => {
    const buffer = Buffer.from(`"${good}\n${good}"`);
    assert.deepEqual(summary(buffer.subarray(1, buffer.length - 1), ndjson), {
      accepted: 2,
      errors: [],
    });
  });

  it("may have hundreds of undeclared fields in a click", () => {
    const extra = Array.from({ length: 300 }, (_, i) => `"field${i}":${i},`).join("");
    assert.deepEqual(summary(good.replace("{", `{${extra}`), ndjson), { accepted: 1, errors: [] });
  });
});
