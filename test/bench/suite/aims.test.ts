import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { aimResults } from "../../../bench/suite/aims.ts";
import type { Sample } from "../../../bench/suite/figures.ts";
import { Samples } from "../../../bench/suite/samples.ts";

const resultOf = (what: string, all: readonly Sample[]) =>
  aimResults(new Samples(all)).find((result) => result.what.startsWith(what))!;

describe("the aims of benchmarks", () => {
  it("are told all, whatever was measured", () => {
    const results = aimResults(new Samples([]));
    assert.equal(results.length, 13);
    assert.ok(results.every(({ measured }) => ["not measured", "by tests"].includes(measured)));
  });

  it("are reached, or missed by a share of the aim", () => {
    const ack = (value: number): string =>
      resultOf("ack p99", [{ figure: "steady.ack_p99", server: "clicktally", value }]).verdict;
    assert.equal(ack(9), "reached, the next one too");
    assert.equal(ack(25), "reached");
    assert.equal(ack(30), "missed by 20 %");
  });

  it("compare with the peer of the same run", () => {
    const top = resultOf("Top-100", [
      { figure: "query.top_p50", server: "clicktally", value: 5 },
      { figure: "query.top_p50", server: "ClickHouse", value: 20 },
    ]);
    assert.equal(top.measured, "4.0 x as fast as ClickHouse");
    assert.equal(top.verdict, "missed by 20 %");
  });

  it("take a history of ten million clicks, whatever else was measured", () => {
    const at = (clicks: number, value: number): Sample => ({
      figure: "cost.start",
      server: "clicktally",
      value,
      axis: "clicks",
      at: clicks,
    });
    const ofAds: Sample = { ...at(1e7, 99), axis: "ads" };
    const start = resultOf("answers again", [
      at(1e6, 1),
      at(1e7, 4),
      ofAds,
      at(1e8, 50),
      at(1e7, 4.5),
    ]);
    assert.equal(start.measured, "4.3 s");
  });
});
