import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dayOfMinute } from "../../../src/model/time.ts";
import type { AggregateQuery } from "../../../src/store/click-store.ts";
import { Catalog, TableShape } from "../../../src/store/duckdb/catalog.ts";
import type { Statement } from "../../../src/store/duckdb/connection.ts";
import { aggregateToSql } from "../../../src/store/duckdb/queries.ts";
import type { Column } from "../../../src/store/duckdb/schema.ts";
import {
  deltaTable,
  dictionaryColumns,
  ipColumn,
  keyColumn,
  minuteColumns,
  minutesTable,
  parts,
  rawColumns,
  rawTable,
  scatteredTable,
  textColumn,
} from "../../../src/store/duckdb/schema.ts";

/** 2026-03-01T00:00Z */
const midnight = 29_538_720;
const firstDay = dayOfMinute(midnight);

/** Three days; the first is from before `country` was declared. */
const catalog = Catalog.of([
  new TableShape("dictionary_ad_id", dictionaryColumns),
  new TableShape("dictionary_country", dictionaryColumns),
  ...parts.map(
    (part) => new TableShape(deltaTable(part), [...minuteColumns, keyColumn("country")]),
  ),
  ...parts.map((part) => new TableShape(scatteredTable(part), rawColumns)),
  ...tablesOfDay(firstDay, []),
  ...tablesOfDay(firstDay + 1, [keyColumn("country")]),
  ...tablesOfDay(firstDay + 2, [keyColumn("country")]),
]);

function tablesOfDay(day: number, keyed: readonly Column[]): TableShape[] {
  const raw = [...rawColumns, ...keyed, textColumn("user_id"), ipColumn("ip")];
  return [
    ...parts.map((part) => new TableShape(rawTable(day, part), raw)),
    new TableShape(minutesTable(day), [...minuteColumns, ...keyed]),
  ];
}

function build(query: Partial<AggregateQuery>): Statement {
  const whole: AggregateQuery = {
    source: "minute",
    fromMinute: midnight,
    toMinute: midnight + 60,
    groupBy: [],
    order: "count",
    limit: 10,
    ...query,
  };
  return aggregateToSql(whole, {
    catalog,
    knownKey: () => undefined,
    addressDimensions: new Set(),
  });
}

const scattered = ["raw_scattered_0", "raw_scattered_1"];

const tablesIn = (sql: string): string[] =>
  [...sql.matchAll(/FROM "((?:raw|minutes?)_\w+)"/g)].map((match) => match[1]!);

describe("the SQL of an aggregate", () => {
  const ranges: [source: AggregateQuery["source"], from: number, to: number, tables: string[]][] = [
    ["minute", 0, 60, ["minutes_20260301", "minute_delta_0", "minute_delta_1"]],
    ["minute", 0, 1440, ["minutes_20260301", "minute_delta_0", "minute_delta_1"]],
    ["minute", -60, 0, ["minute_delta_0", "minute_delta_1"]],
    [
      "minute",
      1439,
      1441,
      ["minutes_20260301", "minutes_20260302", "minute_delta_0", "minute_delta_1"],
    ],
    ["raw", 0, 60, ["raw_20260301_0", "raw_20260301_1", ...scattered]],
    ["raw", 2880, 99_999, ["raw_20260303_0", "raw_20260303_1", ...scattered]],
    ["raw", 99_999, 100_000, scattered],
  ];
  for (const [source, from, to, tables] of ranges) {
    it(`reads ${tables.length} tables for ${source} minutes ${from} to ${to} of the first day`, () => {
      const { sql } = build({ source, fromMinute: midnight + from, toMinute: midnight + to });
      assert.deepEqual(tablesIn(sql), tables);
    });
  }

  it("reads only the columns that the query names", () => {
    const { sql } = build({ source: "raw", toMinute: midnight + 1500, groupBy: ["country"] });
    assert.match(sql, /0 AS "k_country" FROM "raw_20260301_0"/);
    assert.match(sql, /AS n, "k_country" FROM "raw_20260302_0"/);
    assert.doesNotMatch(sql, /s_user_id|i_ip|event_id/);
  });

  it("counts only counted and restated clicks of raw", () => {
    assert.match(build({ source: "raw" }).sql, /outcome IN \(0, 2\)/);
  });

  it("binds values in the order of their parameters", () => {
    const { sql, values } = build({
      source: "raw",
      adId: "ad'1",
      filter: { kind: "comparison", field: "user_id", operator: "=in=", values: ["u1", "u2"] },
      groupBy: ["ad.campaign", "ip"],
      order: "key",
      after: { bucketStart: midnight, group: ["c'1", "10.0.0.1"] },
    });
    assert.deepEqual(values, ["ad'1", "u1", "u2", "campaign", "c'1", 0xffff0a000001n]);
    assert.doesNotMatch(sql, /ad'1|c'1|u1|u2/);
    assert.match(sql, /"value" = \$1/);
    assert.match(sql, /IN \(\$2, \$3\)/);
    assert.match(sql, /"name" = \$4/);
    assert.match(sql, /text0 > \$5/);
    assert.match(sql, /address1 > \$6/);
  });

  it("computes even buckets and looks up uneven ones", () => {
    const even = build({ bucketStarts: [midnight, midnight + 25, midnight + 50] });
    assert.match(
      even.sql,
      new RegExp(`\\(${midnight} \\+ \\(c.minute - ${midnight}\\) // 25 \\* 25\\)`),
    );
    assert.deepEqual(even.values, []);
    const starts = [midnight, midnight + 20, midnight + 50];
    const uneven = build({ bucketStarts: starts });
    assert.match(
      uneven.sql,
      new RegExp(`list_extract\\(\\$1::INTEGER\\[\\], \\(c.minute - ${midnight}\\) // 10 \\+ 1\\)`),
    );
    assert.deepEqual(uneven.values, [[0, 0, 1, 1, 1, 2].map((i) => starts[i]!)]);
    assert.match(
      build({ bucketStarts: [midnight] }).sql,
      new RegExp(`${midnight}::INTEGER AS bucket`),
    );
  });

  it("refuses numbers that are none", () => {
    assert.throws(() => build({ fromMinute: Number("1 OR 1=1") }), RangeError);
    assert.throws(() => build({ limit: 1.5 }), RangeError);
  });
});
