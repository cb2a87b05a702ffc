import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { afterSpace, JsonSyntax } from "../../src/ingest/json-syntax.ts";

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const syntax = new JsonSyntax();

function isWhole(text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  const end = syntax.valueEnd(bytes, afterSpace(bytes, 0, bytes.length), bytes.length);
  return end >= 0 && afterSpace(bytes, end, bytes.length) === bytes.length;
}

describe("JsonSyntax", () => {
  it("takes what JSON.stringify writes, of any shape", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(0, 1, "\t"), (text, indent) => {
        assert.ok(isWhole(text));
        assert.ok(isWhole(JSON.stringify(JSON.parse(text), undefined, indent)));
      }),
    );
  });

  it("takes exactly what JSON.parse takes", () => {
    const pieces = fc.constantFrom(
      ...'{}[],:" \n\t\\-+.0123456789eE'.split(""),
      "true",
      "false",
      "null",
      "tru",
      '"a"',
      '"\\u00e9"',
      '"\\n"',
      "\\",
      "1.5e-7",
      "-0",
      "01",
      '{"a":1}',
      "[1,2]",
      "\u0001",
      "\u00a0",
      "é",
      '"é"',
      "\u007f",
    );
    let taken = 0;
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 9 }), (parts) => {
        const text = parts.join("");
        assert.equal(isWhole(text), isJson(text), JSON.stringify(text));
        if (isJson(text)) taken++;
      }),
      { numRuns: 30_000 },
    );
    assert.ok(taken > 300, `${taken}`);
  });

  it("takes exactly what JSON.parse takes of texts with one thing changed", () => {
    const character = fc.constantFrom(...'{}[],:"\\ 0e-.tn\u0000');
    let [taken, refused] = [0, 0];
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.nat({ max: 1 }),
        character,
        (json, at, cut, put) => {
          const position = at % (json.length + 1);
          const text = json.slice(0, position) + put + json.slice(position + cut);
          assert.equal(isWhole(text), isJson(text), JSON.stringify(text));
          if (isJson(text)) taken++;
          else refused++;
        },
      ),
      { numRuns: 5000 },
    );
    assert.ok(taken > 100 && refused > 1000, `${taken} ${refused}`);
  });

  it("tells how deep a value nests", () => {
    const depthOf = (text: string): number => {
      assert.ok(isWhole(text));
      return syntax.depth;
    };
    assert.equal(depthOf("1"), 0);
    assert.equal(depthOf("{}"), 1);
    assert.equal(depthOf('{"a":[{"b":[]}],"c":{}}'), 4);
    assert.equal(depthOf("[".repeat(200_000) + "]".repeat(200_000)), 200_000);
  });
});
