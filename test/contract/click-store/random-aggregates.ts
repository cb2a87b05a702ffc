import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Comparison, Filter } from "../../../src/model/filter.ts";
import { minuteMs, minuteOf } from "../../../src/model/time.ts";
import { compareUtf8 } from "../../../src/model/utf8-order.ts";
import type { AggregateQuery, AggregateRow } from "../../../src/store/click-store.ts";
import type { DecidedClick } from "../../support/store-clicks.ts";
import { CommitMaker, isCountedName } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import type { OpenStore } from "./harness.ts";

/** 2026-03-01T23:50Z */
const start = 29_540_150;
const span = 20;
const attributeChange = start + 9;

const values: Readonly<Record<string, readonly string[]>> = {
  ad_id: ["a", "b", "é", "\u{ff41}", "\u{1f600}"],
  country: ["US", "DE"],
  device: ["tv", "a device name that is longer than twelve bytes"],
  user_id: ["u1", "u2", "exactly12byt", "exactly13byte", "é".repeat(60)],
  "ad.owner": ["x", "y"],
};
const minuteFields = ["ad_id", "country", "device", "ad.owner"];
const rawFields = [...minuteFields, "user_id"];

const optional = (field: string) =>
  fc.option(fc.constantFrom(...values[field]!), { nil: undefined });

const clicks: fc.Arbitrary<DecidedClick[]> = fc.array(
  fc
    .record({
      ad_id: fc.constantFrom(...values["ad_id"]!),
      event_id: fc.oneof(fc.uuid(), fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" })),
      minute: fc.integer({ min: 0, max: span - 1 }),
      outcome: fc.constantFrom(
        "counted" as const,
        "counted" as const,
        "restated" as const,
        "duplicate" as const,
      ),
      country: optional("country"),
      device: optional("device"),
      user_id: optional("user_id"),
    })
    .map(({ ad_id, event_id, outcome, minute, country, device, user_id }): DecidedClick => {
      const given = Object.entries({ country, device, user_id }).filter(
        ([, value]) => value !== undefined,
      );
      const dimensions = Object.fromEntries(given) as Record<string, string>;
      const click_timestamp = (start + minute) * minuteMs;
      return { ad_id, event_id, outcome, click_timestamp, dimensions };
    }),
  { maxLength: 60 },
);

function filterOver(fields: readonly string[]): fc.Arbitrary<Filter> {
  const comparison = fc.constantFrom(...fields).chain((field): fc.Arbitrary<Comparison> => {
    const value = fc.constantFrom(...values[field]!, "nothing has this value");
    return fc.oneof(
      fc.record({
        kind: fc.constant("comparison" as const),
        field: fc.constant(field),
        operator: fc.constantFrom("==" as const, "!=" as const),
        values: fc.tuple(value),
      }),
      fc.record({
        kind: fc.constant("comparison" as const),
        field: fc.constant(field),
        operator: fc.constantFrom("=in=" as const, "=out=" as const),
        values: fc.uniqueArray(value, { minLength: 1, maxLength: 3 }),
      }),
      fc.record({
        kind: fc.constant("comparison" as const),
        field: fc.constant(field),
        operator: fc.constant("=null=" as const),
        values: fc.constantFrom(["true"], ["false"]),
      }),
    );
  });
  return fc.letrec<{ filter: Filter }>((tie) => ({
    filter: fc.oneof(
      { depthSize: "small" },
      comparison,
      fc.record({
        kind: fc.constantFrom("and" as const, "or" as const),
        operands: fc.array(tie("filter"), { minLength: 1, maxLength: 3 }),
      }),
    ),
  })).filter;
}

const query: fc.Arbitrary<AggregateQuery> = fc
  .constantFrom("minute" as const, "raw" as const)
  .chain((source) => {
    const fields = source === "minute" ? minuteFields : rawFields;
    return fc
      .record({
        source: fc.constant(source),
        bounds: fc.uniqueArray(fc.integer({ min: start, max: start + span }), {
          minLength: 2,
          maxLength: 5,
        }),
        isBucketed: fc.boolean(),
        filter: fc.option(filterOver(fields), { nil: undefined }),
        adId: fc.option(fc.constantFrom(...values["ad_id"]!), { nil: undefined, freq: 4 }),
        groupBy: fc.uniqueArray(fc.constantFrom(...fields), { maxLength: 3 }),
        order: fc.constantFrom("count" as const, "key" as const),
        limit: fc.integer({ min: 1, max: 30 }),
      })
      .map(({ bounds, isBucketed, filter, adId, ...rest }): AggregateQuery => {
        const sorted = bounds.toSorted((a, b) => a - b);
        const range = { fromMinute: sorted[0]!, toMinute: sorted.at(-1)! };
        return Object.assign(
          rest,
          range,
          isBucketed && { bucketStarts: sorted.slice(0, -1) },
          filter && { filter },
          adId !== undefined && { adId },
        );
      });
  });

/** What the port says, click by click. */
function plainly(rows: readonly DecidedClick[], asked: AggregateQuery): AggregateRow[] {
  const groups = new Map<
    string,
    { bucketStart: number; group: (string | null)[]; count: number }
  >();
  for (const row of rows) {
    const minute = minuteOf(row.click_timestamp);
    if (!isCountedName(row.outcome) || minute < asked.fromMinute || minute >= asked.toMinute)
      continue;
    if (asked.adId !== undefined && row.ad_id !== asked.adId) continue;
    if (asked.filter && !matches(row, asked.filter)) continue;
    const bucketStart = asked.bucketStarts?.findLast((from) => from <= minute) ?? asked.fromMinute;
    const group = asked.groupBy.map((field) => valueOf(row, field) ?? null);
    const key = JSON.stringify([bucketStart, group]);
    const entry = groups.get(key) ?? { bucketStart, group, count: 0 };
    entry.count++;
    groups.set(key, entry);
  }
  const byGroup = (a: AggregateRow, b: AggregateRow): number => {
    for (const [i, value] of a.group.entries()) {
      const other = b.group[i]!;
      if (value === other) continue;
      if (value === null || other === null) return value === null ? -1 : 1;
      return compareUtf8(value, other);
    }
    return 0;
  };
  const order =
    asked.order === "count"
      ? (a: AggregateRow, b: AggregateRow) =>
          b.count - a.count || byGroup(a, b) || a.bucketStart - b.bucketStart
      : (a: AggregateRow, b: AggregateRow) => a.bucketStart - b.bucketStart || byGroup(a, b);
  return [...groups.values()].sort(order).slice(0, asked.limit);
}

function matches(row: DecidedClick, filter: Filter): boolean {
  if (filter.kind === "and") return filter.operands.every((operand) => matches(row, operand));
  if (filter.kind === "or") return filter.operands.some((operand) => matches(row, operand));
  const value = valueOf(row, filter.field);
  switch (filter.operator) {
    case "==":
    case "=in=":
      return value !== undefined && filter.values.includes(value);
    case "!=":
    case "=out=":
      return value === undefined || !filter.values.includes(value);
    case "=null=":
      return (value === undefined) === (filter.values[0] === "true");
  }
}

/** Owner of "a" is x, then y; of "b" y from the change on; of all others nobody. */
function valueOf(row: DecidedClick, field: string): string | undefined {
  if (field === "ad_id") return row.ad_id;
  if (field !== "ad.owner") return row.dimensions?.[field];
  const isChanged = minuteOf(row.click_timestamp) >= attributeChange;
  if (row.ad_id === "a") return isChanged ? "y" : "x";
  return row.ad_id === "b" && isChanged ? "y" : undefined;
}

export function describeRandomAggregates(title: string, open: OpenStore, runs: number): void {
  describe(`${title}: aggregates of random clicks`, () => {
    it("equal a plain count of the same clicks, whatever was compacted between", async () => {
      const owner = (ad_id: string, name: string, valid_from_minute: number) => ({
        ad_id,
        attributes: { owner: name },
        valid_from_minute,
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(clicks, { minLength: 1, maxLength: 4 }),
          fc.array(query, { minLength: 25, maxLength: 25 }),
          fc.array(fc.integer({ min: start, max: start + span }), { maxLength: 3 }),
          async (commits, queries, compactions) => {
            await using directory = await temporaryDirectory();
            await using store = await open(directory.path);
            const maker = new CommitMaker();
            const adAttributes = [
              owner("a", "x", 0),
              owner("a", "y", attributeChange),
              owner("b", "y", attributeChange),
            ];
            await store.commit(maker.next({ adAttributes }));
            for (const [i, rows] of commits.entries()) {
              await store.commit(maker.next({ partition: i % 2, clicks: rows }));
              const end = compactions[i];
              if (end !== undefined) await store.compact(end);
            }
            for (const asked of queries) {
              const { rows } = await store.aggregate(asked);
              assert.deepEqual(rows, plainly(maker.clicks, asked), JSON.stringify(asked));
            }
          },
        ),
        { numRuns: runs },
      );
    });
  });
}
