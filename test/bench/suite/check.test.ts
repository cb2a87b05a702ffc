import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compare, ratiosOf } from "../../../bench/suite/check.ts";
import type { FigureId, Sample } from "../../../bench/suite/figures.ts";
import { Samples } from "../../../bench/suite/samples.ts";
import { spreadOf } from "../../../bench/suite/statistics.ts";

/** Values of a figure by server, a value a round. */
function samples(measured: readonly [FigureId, string, readonly number[]][]): Samples {
  return new Samples(
    measured.flatMap(([figure, server, values]) =>
      values.map((value): Sample => ({ figure, server, value })),
    ),
  );
}

const ratio = (rounds: readonly number[], isTimed = true) => ({ ...spreadOf(rounds)!, isTimed });
const verdictOf = (before: readonly number[], now: readonly number[], isTimed = true) =>
  compare({ name: ratio(before, isTimed) }, { name: ratio(now, isTimed) })[0]!;

describe("the check of benchmarks", () => {
  it("compares with the peer round by round, so that a slow hour is none of clicktally's", () => {
    const ratios = ratiosOf(
      samples([
        ["ingest.queryable", "clicktally", [300, 30, 150]],
        ["ingest.queryable", "ClickHouse", [300, 30, 100]],
      ]),
    );
    assert.deepEqual(ratios, {
      "ingest.queryable : ClickHouse": { median: 1, min: 1, max: 1.5, rounds: 3, isTimed: true },
    });
  });

  it("turns what is better when less, so that a fall is always for the worse", () => {
    const ratios = ratiosOf(
      samples([
        ["query.top_p50", "clicktally", [5]],
        ["query.top_p50", "ClickHouse", [40]],
        ["cost.store_bytes", "clicktally", [40]],
      ]),
    );
    assert.equal(ratios["query.top_p50 : ClickHouse"]!.median, 8);
    assert.equal(ratios["cost.store_bytes"]!.median, 1 / 40);
  });

  it("compares a start with how fast the machine parses", () => {
    const start = (seconds: number, linesASecond: number): number =>
      ratiosOf(
        samples([
          ["cost.start", "clicktally", [seconds]],
          ["machine.parse", "machine", [linesASecond]],
        ]),
      )["cost.start : machine"]!.median;
    // A machine of half the speed takes twice as long, which is no fall.
    assert.equal(start(10, 500_000), start(20, 250_000));
  });

  it("leaves out what was not measured, or without its peer", () => {
    assert.deepEqual(ratiosOf(samples([["ingest.ack", "clicktally", [1]]])), {});
    const [verdict] = compare({ name: ratio([1]) }, {});
    assert.equal(verdict!.verdict, "not measured");
  });

  it("says that a ratio held where its median fell by 15 % at most, however little its rounds differ", () => {
    assert.equal(verdictOf([1, 1, 1], [0.86, 0.86, 0.86]).verdict, "held");
    assert.equal(verdictOf([1, 1, 1], [1.2, 1.3, 1.4]).verdict, "held");
  });

  it("says that it fell where the median is beyond 15 % and no round reaches the worst one of before", () => {
    const verdict = verdictOf([0.95, 1, 1.05], [0.78, 0.8, 0.82]);
    assert.equal(verdict.verdict, "fallen");
    assert.ok(Math.abs(verdict.fall - 0.2) < 1e-9);
  });

  it("says that it is unclear where the median is beyond 15 % but rounds overlap", () => {
    assert.equal(verdictOf([0.7, 1, 1.2], [0.6, 0.8, 1.1]).verdict, "unclear");
  });

  it("says of fewer than three rounds that they are unclear, but not of bytes", () => {
    const { verdict, seenFrom } = verdictOf([1, 1, 1], [0.5, 0.5]);
    assert.equal(verdict, "unclear");
    assert.ok(Number.isNaN(seenFrom));
    assert.equal(verdictOf([1], [0.5], false).verdict, "fallen");
  });

  it("says which fall it would have seen: more than 15 % where rounds lie apart", () => {
    assert.equal(verdictOf([1, 1, 1], [1, 1, 1]).seenFrom, 0.15);
    // Rounds up to a tenth above their median, and a worst one of before a fifth below its own.
    const { seenFrom } = verdictOf([0.8, 1, 1.1], [0.9, 1, 1.1]);
    assert.ok(Math.abs(seenFrom - (1 - 0.8 / 1.1)) < 1e-9);
    const fallen = (share: number): string =>
      verdictOf(
        [0.8, 1, 1.1],
        [0.9, 1, 1.1].map((round) => round * (1 - share)),
      ).verdict;
    assert.equal(fallen(seenFrom - 0.01), "unclear");
    assert.equal(fallen(seenFrom + 0.01), "fallen");
  });
});
