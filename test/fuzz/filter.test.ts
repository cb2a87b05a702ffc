import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkFilter } from "../../src/model/check-filter.ts";
import type { KnownFields } from "../../src/model/check-filter.ts";
import type { Filter } from "../../src/model/filter.ts";
import { filterFields } from "../../src/model/filter.ts";
import { filterBytesMax, formatFilter, parseFilter } from "../../src/model/parse-filter.ts";
import type { Random } from "../../src/traffic/random.ts";
import { refusalOf } from "./coded-error.ts";
import { fuzz } from "./fuzz.ts";
import type { Mutator } from "./mutate.ts";

const known: KnownFields = new Map([
  ["ad_id", "string"],
  ["country", "country"],
  ["device", "string"],
  ["user_id", "string"],
  ["ip", "ip"],
  ["ad.campaign_id", "string"],
]);

const operators = ["==", "!=", "=in=", "=out=", "=null="] as const;

function assertWithinBounds(filter: Filter): void {
  let [comparisons, values] = [0, 0];
  const visit = (node: Filter): void => {
    if (node.kind === "comparison") {
      comparisons++;
      values += node.values.length;
      assert.ok(operators.includes(node.operator));
      assert.match(node.field, /^(?:ad\.)?[a-z][a-z0-9_]*$/);
      if (node.operator === "=null=") assert.match(node.values.join(), /^(?:true|false)$/);
      return;
    }
    assert.ok(node.operands.length > 1, "a node of one operand");
    for (const operand of node.operands) {
      assert.notEqual(operand.kind, node.kind, "a node within one of its kind");
      visit(operand);
    }
  };
  visit(filter);
  assert.ok(comparisons <= 256 && values <= 1000);
}

/** Values that can be of their fields, in the form in which they are kept. */
function assertStored(filter: Filter): void {
  if (filter.kind !== "comparison") {
    for (const operand of filter.operands) assertStored(operand);
    return;
  }
  const type = known.get(filter.field);
  if (filter.operator === "=null=" || type === "string") return;
  // A stored country is two capital letters; what is not one must not turn into one.
  if (type === "country") for (const value of filter.values) assert.match(value, /^[A-Z]{2}$/);
}

function check(input: Uint8Array): string {
  const text = Buffer.from(input).toString();
  let filter: Filter | undefined;
  const refusal = refusalOf(() => (filter = parseFilter(text)), ["invalid_filter"]);
  if (refusal) {
    const { position } = refusal.details as { position?: number };
    const isTooLong = Buffer.byteLength(text) > filterBytesMax;
    assert.equal(position === undefined, isTooLong, "where it is wrong is not said");
    if (position !== undefined) assert.ok(position >= 0 && position <= text.length);
    return "refused";
  }
  assertWithinBounds(filter!);
  const canonical = formatFilter(filter!);
  assert.deepEqual(parseFilter(canonical), filter, `its canonical form is ${canonical}`);
  assert.equal(formatFilter(parseFilter(canonical)), canonical);

  let checked: Filter | undefined;
  const mismatch = refusalOf(
    () => (checked = checkFilter(filter!, known)),
    ["unknown_dimension", "invalid_filter"],
  );
  if (mismatch) {
    const isUnknown = [...filterFields(filter)].some((field) => !known.has(field));
    if (mismatch.code === "unknown_dimension") assert.ok(isUnknown);
    return mismatch.code;
  }
  assertStored(checked!);
  assert.deepEqual(checkFilter(checked!, known), checked, "checking twice changes it");
  return "accepted";
}

/** Comparisons of any field with any values, in parentheses and out of them. */
function anyFilter(random: Random, mutator: Mutator, depth: number): string {
  if (depth > 0 && random.chance(0.6)) {
    const parts = Array.from({ length: random.between(1, 3) }, () =>
      anyFilter(random, mutator, depth - 1),
    );
    const text = parts.join(random.pick([";", ",", " ; ", ", "]));
    return random.chance(0.5) ? `(${text})` : text;
  }
  const field = random.pick([...known.keys()]);
  const operator = random.pick(operators);
  const values = Array.from({ length: random.between(1, 3) }, () => anyValue(random, mutator));
  if (operator === "=null=") return `${field}${operator}${random.chance(0.5)}`;
  if (operator === "==" || operator === "!=") return `${field}${operator}${values[0]}`;
  return `${field}${operator}(${values.join(",")})`;
}

function anyValue(random: Random, mutator: Mutator): string {
  const quoted = `"${mutator.token().replaceAll(/["\\]/g, "\\$&")}"`;
  return random.pick(["US", "de", "ß", "1.2.3.4", "::1", "mobile", quoted, `'a b'`]);
}

describe("hostile filters", () => {
  it("are refused where they are wrong, or have a canonical form that means the same", async (t) => {
    const tally = await fuzz({
      decoder: "filter",
      mutants: 15_000,
      dictionary: [...known.keys(), ...operators, ..."();,\"'\\=!".split(""), "=in=(", "==a;"],
      check,
      make: (random, mutator) => Buffer.from(anyFilter(random, mutator, 3)),
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["refused", "unknown_dimension", "invalid_filter", "accepted"])
      assert.ok(tally.get(word)! > 100, `${word}: ${tally.get(word)}`);
  });
});
