import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatTable, printable } from "../../src/commands/table.ts";

describe("a table", () => {
  it("has columns as wide as their widest cell, and numbers to the right", () => {
    const table = formatTable(
      ["ad_id", "count", "note"],
      [
        ["a", 1_000_000, null],
        ["a long name", 7, "x"],
      ],
    );
    assert.equal(
      table,
      "ad_id          count  note\na            1000000  -\na long name        7  x",
    );
  });

  it("shows what would steer a terminal or reorder a line as its code", () => {
    assert.equal(printable("a\u001b[2Jb\n\u202ec\u0000"), "a\\u{1b}[2Jb\\u{a}\\u{202e}c\\u{0}");
    assert.equal(printable("ad ü 広告 🙂"), "ad ü 広告 🙂");
  });
});
