import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ItemScanner } from "../../src/ingest/scan-item.ts";
import { DeclaredFields } from "../../src/ingest/declared-fields.ts";
import { ItemFields } from "../../src/ingest/item-fields.ts";
import { CodedError } from "../../src/model/errors.ts";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import type { DecodingOptions } from "./decoding.ts";
import { decodeBody, goodClick, goodRow, receivedAtMs } from "./decoding.ts";

/** Everything that a body gives, or the error that it ends with. */
function outcome(body: Uint8Array, options: DecodingOptions): unknown {
  try {
    return decodeBody(body, options);
  } catch (error) {
    assert.ok(error instanceof CodedError, String((error as Error).stack));
    return { code: error.code, message: error.message };
  }
}

function assertSameBothWays(body: Uint8Array, options: DecodingOptions = {}): void {
  const scanned = outcome(body, { ...options, scanner: true });
  assert.deepEqual(
    scanned,
    outcome(body, { ...options, scanner: false }),
    Buffer.from(body).toString("latin1"),
  );
}

const scanner = new ItemScanner(new DeclaredFields(defaultDimensions));
const fields = new ItemFields(3 + defaultDimensions.length);

/** True where the scanner itself takes the object. */
function isScanned(body: Uint8Array): boolean {
  return scanner.scan(body, 0, body.length, true, fields) >= 0;
}

const names = [
  "ad_id",
  "click_timestamp",
  "event_id",
  "user_id",
  "ip",
  "country",
  "device",
  "extra",
  "é",
  "",
  "ad",
  "ad_id2",
  "__proto__",
];
const nameText = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...names).map((name) => JSON.stringify(name)) },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }).map((name) => JSON.stringify(name)) },
  { weight: 1, arbitrary: fc.constantFrom('"ad\\u005fid"', '"\\u0069p"') },
);

const numberText = fc.oneof(
  fc.integer().map(String),
  fc.double().map((value) => (Number.isFinite(value) ? String(value) : "1e999")),
  fc.integer({ min: receivedAtMs - 100_000, max: receivedAtMs + 100_000 }).map(String),
  fc.constantFrom(
    "0",
    "-0",
    "1.0",
    "1E3",
    "1e+3",
    "0.1e-2",
    "12345678901234567890",
    `${receivedAtMs}.0`,
    "1.7e12",
    "00",
    "+1",
    ".5",
    "1.",
    "-",
    "1e",
    "0x10",
  ),
);

const timeText = fc
  .tuple(
    fc.integer({ min: receivedAtMs - 1e9, max: receivedAtMs + 1e5 }),
    fc.constantFrom("Z", "z", "+00:00", "-05:30", "+14:00", "", "+0100", "+24:00"),
    fc.constantFrom("", ".", ".1", ".1239", ".000000001", ".12345678901234567890"),
    fc.constantFrom("T", "t", " "),
  )
  .map(
    ([ms, offset, fraction, t]) =>
      new Date(ms).toISOString().slice(0, 19).replace("T", t) + fraction + offset,
  );

const plainText = fc.oneof(
  fc.string(),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
  timeText,
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom(
    "",
    "US",
    "us",
    "D3",
    "mobile",
    "x".repeat(128),
    "x".repeat(129),
    "x".repeat(256),
    "x".repeat(257),
    "é".repeat(128),
  ),
);

/** Texts as JSON may write them: plain, all escaped, or as they are, right or wrong. */
const stringText = fc.oneof(
  { weight: 6, arbitrary: plainText.map((text) => JSON.stringify(text)) },
  {
    weight: 1,
    arbitrary: plainText.map(
      (text) =>
        `"${text.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`,
    ),
  },
  { weight: 1, arbitrary: plainText.map((text) => JSON.stringify(text).replaceAll("/", "\\/")) },
  { weight: 1, arbitrary: plainText.map((text) => `"${text}"`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('"\\ud800"', '"\\udc00\\ud800"', '"\\x"', '"\\u12"', '"\t"', '"a'),
  },
);

const valueText = fc.oneof(
  { weight: 6, arbitrary: stringText },
  { weight: 3, arbitrary: numberText },
  {
    weight: 2,
    arbitrary: fc.constantFrom("null", "true", "false", "nul", "True", "undefined", ""),
  },
  { weight: 1, arbitrary: fc.json({ maxDepth: 2 }) },
);

const space = fc.oneof(
  { weight: 8, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: fc.constantFrom(" ", "\t", "\r", "\n", "  \r\n ", "\u00a0") },
);

/** A good click in any order, with fields replaced, added, doubled and left out, and white space between. */
const itemText = fc
  .tuple(
    fc.shuffledSubarray(Object.entries(goodClick), { minLength: 5 }),
    fc.array(fc.tuple(nameText, valueText, fc.nat({ max: 8 }), fc.boolean()), { maxLength: 3 }),
    fc.array(space, { minLength: 5, maxLength: 5 }),
  )
  .map(([kept, changes, spaces]) => {
    const parts = kept.map(
      ([name, value]) => [JSON.stringify(name), JSON.stringify(value)] as const,
    );
    for (const [name, value, at, replaces] of changes)
      parts.splice(at, replaces ? 1 : 0, [name, value]);
    const [a, b, c, d, e] = spaces as [string, string, string, string, string];
    return `{${a}${parts.map(([name, value]) => `${name}${b}:${c}${value}`).join(`${d},${e}`)}${a}}`;
  });

const rules = fc.record({
  unknownFields: fc.constantFrom("ignore" as const, "reject" as const),
  missingEventId: fc.constantFrom("derive" as const, "reject" as const),
});

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("the scanner and the parser", () => {
  it("agree on items of every kind, as JSON", () => {
    let [scanned, accepted, count] = [0, 0, 0];
    fc.assert(
      fc.property(itemText, rules, (text, itemRules) => {
        const body = bytesOf(text);
        assertSameBothWays(body, { rules: itemRules });
        count++;
        if (isScanned(body)) scanned++;
        const result = outcome(body, { rules: itemRules }) as { decoded?: { accepted: number } };
        if (result.decoded?.accepted === 1) accepted++;
      }),
      { numRuns: 3000 },
    );
    // Else little was compared.
    assert.ok(scanned > count / 4 && scanned < count, `${scanned} of ${count} scanned`);
    assert.ok(accepted > count / 10, `${accepted} of ${count} accepted`);
  });

  it("agree on arrays and lines of items", () => {
    const separator = fc.constantFrom(",", ",", ",", " , ", ",\n", "\n", "");
    fc.assert(
      fc.property(fc.array(itemText, { maxLength: 5 }), separator, (items, between) => {
        assertSameBothWays(bytesOf(`[${items.join(between)}]`));
        assertSameBothWays(bytesOf(items.join("\n")), { contentType: "ndjson" });
      }),
      { numRuns: 1000 },
    );
  });

  it("agree on good clicks with bytes flipped, cut out, put in and doubled", () => {
    const good = bytesOf(
      `${JSON.stringify(goodClick)}\n${JSON.stringify(goodClick).replace("mobile", "möbilé😀")}`,
    );
    const byte = fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...bytesOf('{}[]",:\\ \n0e.-tfn')));
    const edit = fc.tuple(
      fc.nat({ max: good.length }),
      fc.nat({ max: 2 }),
      fc.array(byte, { maxLength: 2 }),
    );
    let damaged = 0;
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        let body = good;
        for (const [at, cut, put] of edits) {
          body = Uint8Array.from([...body.subarray(0, at), ...put, ...body.subarray(at + cut)]);
        }
        assertSameBothWays(body, { contentType: "ndjson" });
        assertSameBothWays(body);
        if (decodeBody(body, { contentType: "ndjson" }).decoded.rejected > 0) damaged++;
      }),
      { numRuns: 2500 },
    );
    assert.ok(damaged > 1000);
  });

  it("agree with what JSON.parse makes of a click", () => {
    const value = fc.oneof(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
    );
    fc.assert(
      fc.property(
        fc.record({ device: value, user_id: value, note: fc.jsonValue() }, { requiredKeys: [] }),
        fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" }),
        fc.integer({ min: 0, max: receivedAtMs }),
        (dimensions, ad_id, time) => {
          const click = { ...dimensions, ad_id, click_timestamp: time, event_id: "e" };
          const expected = {
            ad_id,
            time,
            event_id: "e",
            dimensions: Object.fromEntries(
              (["device", "user_id"] as const)
                .filter((name) => (dimensions[name] ?? null) !== null)
                .map((name) => [name, String(dimensions[name])]),
            ),
          };
          for (const isScannedToo of [true, false]) {
            const { rows } = decodeBody(JSON.stringify(click), { scanner: isScannedToo });
            assert.deepEqual(rows, [expected]);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("take the usual click without a parser", () => {
    const usual = [
      JSON.stringify(goodClick),
      JSON.stringify(goodClick, undefined, 1),
      JSON.stringify({
        ...goodClick,
        click_timestamp: receivedAtMs,
        extra: "é",
        n: -1.5e3,
        b: true,
        nothing: null,
      }),
      JSON.stringify(Object.fromEntries(Object.entries(goodClick).toReversed())),
    ];
    for (const text of usual) assert.ok(isScanned(bytesOf(text)), text);
  });
});

describe("any bytes at all", () => {
  const noise = fc.uint8Array({ maxLength: 200 });
  const line = fc.oneof(
    noise.map((bytes) => bytes.filter((byte) => byte !== 0x0a)),
    itemText.map((text) => bytesOf(text.replaceAll("\n", " "))),
  );

  it("never end in anything but an answer or a coded error", () => {
    fc.assert(
      fc.property(noise, (bytes) => {
        assertSameBothWays(bytes);
        assertSameBothWays(Uint8Array.from([0x5b, ...bytes, 0x5d]));
        assertSameBothWays(bytes, { contentType: "ndjson" });
      }),
      { numRuns: 2000 },
    );
  });

  it("cost no good line that stands between them", () => {
    const good = bytesOf(`\n${JSON.stringify(goodClick)}\n`);
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) => {
        const alone = lines.map((bytes) => decodeBody(bytes, { contentType: "ndjson" }));
        const body = Buffer.concat([good, ...lines.flatMap((bytes) => [bytes, good])]);
        const { decoded, rows } = decodeBody(body, { contentType: "ndjson" });
        assert.deepEqual(rows, [goodRow, ...alone.flatMap((one) => [...one.rows, goodRow])]);
        assert.equal(
          decoded.rejected,
          alone.reduce((sum, one) => sum + one.decoded.rejected, 0),
        );
      }),
      { numRuns: 500 },
    );
  });
});
