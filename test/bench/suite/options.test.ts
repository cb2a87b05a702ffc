import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readOptions } from "../../../bench/suite/options.ts";
import { rowNames } from "../../../bench/suite/rows.ts";

describe("the options of benchmarks", () => {
  it("are all rows in three rounds where nothing is said", () => {
    const options = readOptions([])!;
    assert.deepEqual(options.rows, rowNames);
    assert.equal(options.rounds, 3);
    assert.equal(readOptions(["--quick"])!.rounds, 1);
    assert.equal(readOptions(["--help"]), undefined);
  });

  it("take rows in the order in which they run", () => {
    assert.deepEqual(readOptions(["query", "machine"])!.rows, ["machine", "query"]);
  });

  it("name what is wrong", () => {
    assert.throws(
      () => readOptions(["ingset"]),
      /there is no row ingset: expected some of machine,/,
    );
    assert.throws(() => readOptions(["--rounds", "0"]), /--rounds is 0, expected a whole number/);
    assert.throws(() => readOptions(["--fast"]), /--fast/);
  });
});
