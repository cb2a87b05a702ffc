import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CodedError } from "../../../src/model/errors.ts";
import type { Filter } from "../../../src/model/filter.ts";
import { parseFilter } from "../../../src/model/parse-filter.ts";
import type { FieldForm } from "../../../src/store/duckdb/filter-sql.ts";
import { Bindings, filterToSql, keyedValues } from "../../../src/store/duckdb/filter-sql.ts";

const country: FieldForm = { kind: "key", sql: "k", dictionary: "country", table: "dc" };
const forms: Readonly<Record<string, readonly FieldForm[]>> = {
  country: [country],
  address: [{ kind: "key", sql: "ka", dictionary: "address", table: "da", isAddress: true }],
  fresh: [{ kind: "key", sql: "kf", dictionary: "fresh" }],
  user: [{ kind: "text", sql: "u" }],
  ip: [{ kind: "ip", sql: "i" }],
  moved: [
    { kind: "key", sql: "km", dictionary: "moved", table: "dm" },
    { kind: "text", sql: "sm" },
  ],
};
const formsOf = (field: string): readonly FieldForm[] => forms[field] ?? [];
const knownKey = (dictionary: string, value: string): number | undefined =>
  dictionary === "country" && value === "US" ? 7 : undefined;

function toSql(filter: Filter): [string, ...unknown[]] {
  const bindings = new Bindings();
  return [filterToSql(filter, { formsOf, knownKey }, bindings), ...bindings.values];
}

const lookup = (table: string, parameter: number): string =>
  `coalesce((SELECT "key" FROM ${table} WHERE "value" = $${parameter}), -1)`;

describe("filters as SQL", () => {
  const cases: [rsql: string, sql: string, ...values: unknown[]][] = [
    ["country==US", "(k = 7)"],
    ["country==DE", `(k = ${lookup("dc", 1)})`, "DE"],
    ["country=in=(US,DE)", `(k IN (7, ${lookup("dc", 1)}))`, "DE"],
    ["country!=US", "(((k = 0) OR NOT (k = 7)))"],
    ["country=null=true", "((k = 0))"],
    ["country=null=false", "(NOT (k = 0))"],
    ["user==u1", "(u = $1)", "u1"],
    ["user=out=(u1,u2)", "(((u IS NULL) OR NOT (u IN ($1, $2))))", "u1", "u2"],
    ["user=null=true", "((u IS NULL))"],
    ["ip==10.0.0.1", "(i = $1)", 0xffff0a000001n],
    ["ip=='2001:db8::1'", "(i = $1)", 0x20010db8000000000000000000000001n],
    ["address=='::FFFF:10.0.0.1'", `(ka = ${lookup("da", 1)})`, "10.0.0.1"],
    ["fresh==x", "(kf = -1)"],
    ["fresh!=x", "(((kf = 0) OR NOT (kf = -1)))"],
    ["moved==x", `(km = ${lookup("dm", 1)} OR sm = $2)`, "x", "x"],
    ["moved=null=true", "((km = 0) AND (sm IS NULL))"],
    ["moved=null=false", "(NOT (km = 0) OR NOT (sm IS NULL))"],
    ["unknown==x", "FALSE"],
    ["unknown!=x", "TRUE"],
    ["unknown=null=true", "TRUE"],
    ["unknown=null=false", "FALSE"],
    ["user==a,user==b;country==US", "((u = $1) OR ((u = $2) AND (k = 7)))", "a", "b"],
    ["(user==a,user==b);country==US", "(((u = $1) OR (u = $2)) AND (k = 7))", "a", "b"],
  ];
  for (const [rsql, ...expected] of cases) {
    it(`writes ${rsql}`, () => assert.deepEqual(toSql(parseFilter(rsql)), expected));
  }

  it("binds every value, whatever it looks like", () => {
    const odd = `'; DROP TABLE raw; -- $1`;
    const filter: Filter = { kind: "comparison", field: "user", operator: "==", values: [odd] };
    assert.deepEqual(toSql(filter), ["(u = $1)", odd]);
  });

  it("refuses what is no address", () => {
    const isRefused = (error: unknown) =>
      error instanceof CodedError && error.code === "invalid_filter" && error.field === "ip";
    assert.throws(() => toSql(parseFilter("ip==10.0.0")), isRefused);
  });

  it("takes empty lists for none and all", () => {
    assert.deepEqual(toSql({ kind: "and", operands: [] }), ["TRUE"]);
    assert.deepEqual(toSql({ kind: "or", operands: [] }), ["FALSE"]);
  });

  it("tells which keys a filter asks for", () => {
    const filter = parseFilter(
      "country=in=(US,DE);(user==u1,address==::1);country=null=true;fresh==x",
    );
    assert.deepEqual(keyedValues(filter, formsOf), [
      { dictionary: "country", table: "dc", value: "US" },
      { dictionary: "country", table: "dc", value: "DE" },
      { dictionary: "address", table: "da", value: "::1" },
    ]);
  });
});
