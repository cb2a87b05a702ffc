import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countingToSql } from "../../../src/store/clickhouse/counting-sql.ts";

describe("the condition of what counts", () => {
  it("leaves out the void sequences that it may meet", () => {
    assert.equal(countingToSql([], 7), "(sequence <= 7)");
    assert.equal(
      countingToSql(
        [
          [2, 3],
          [5, 5],
          [20, 40],
          [90, 90],
        ],
        50,
      ),
      "(sequence <= 50 AND sequence NOT IN (2, 3, 5) AND NOT (sequence BETWEEN 20 AND 40))",
    );
  });

  it("names none that lie before what is asked for", () => {
    const voids = [
      [2, 3],
      [8, 9],
    ] as const;
    assert.equal(
      countingToSql(voids, 10, 8),
      "(sequence > 8 AND sequence <= 10 AND sequence NOT IN (8, 9))",
    );
    assert.equal(countingToSql(voids, 10, 9), "(sequence > 9 AND sequence <= 10)");
  });
});
