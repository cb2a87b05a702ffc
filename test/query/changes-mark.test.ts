import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatSince, parseSince } from "../../src/query/changes-mark.ts";

const current = 30;
/** The store was opened at commits 9 and 19; before, no history was noted. */
const histories = [
  { firstSequence: 10, id: "aa", startsOver: false },
  { firstSequence: 20, id: "bb", startsOver: false },
];

describe("a mark", () => {
  it("names the commit and its history, and is taken back as that commit", () => {
    const marks = [1, 9, 10, 19, 20, 30].map((sequence) => formatSince(sequence, histories));
    assert.deepEqual(marks, ["1-0", "9-0", "10-aa", "19-aa", "20-bb", "30-bb"]);
    const parsed = marks.map((mark) => parseSince(mark, current, histories));
    assert.deepEqual(parsed, [1, 9, 10, 19, 20, 30]);
    assert.equal(formatSince(5, []), "5-0");
    assert.equal(parseSince("5-0", 5, []), 5);
  });

  it("of nothing, and a commit alone, as other answers tell it, are taken too", () => {
    assert.equal(parseSince("0", current, histories), 0);
    assert.equal(parseSince("0-dead", current, histories), 0);
    assert.equal(parseSince("30", current, histories), 30);
  });

  it("of before a commit that moved counts of earlier ones is refused, with its history and alone", () => {
    const moved = [...histories, { firstSequence: 25, id: "ee", startsOver: true }];
    for (const mark of ["10-aa", "24-bb", "24", "3-0", "3"]) {
      assert.throws(() => parseSince(mark, current, moved), { code: "history_replaced" }, mark);
    }
    assert.deepEqual(
      ["0", "25", "25-ee", "30-ee"].map((mark) => parseSince(mark, current, moved)),
      [0, 25, 25, 30],
    );
    assert.equal(formatSince(25, moved), "25-ee");
  });

  for (const [what, mark] of [
    ["that the store lost with its newest commits", "15-cc"],
    ["behind where the store went back to", "20-aa"],
    ["before the first that was noted, but behind its end", "10-0"],
    ["of the present one, but beyond it", "31-bb"],
  ] as const) {
    it(`of a history ${what} is refused, so that nothing is missed`, () => {
      assert.throws(() => parseSince(mark, current, histories), {
        code: "history_replaced",
        field: "since",
      });
    });
  }

  for (const text of [
    "",
    "x",
    "-1",
    "1.5",
    "1e3",
    "31",
    "99999999999999999",
    "1-",
    "1-XY",
    "1-a b",
  ]) {
    it(`that nobody told is refused: '${text}'`, () => {
      assert.throws(() => parseSince(text, current, histories), {
        code: "invalid_parameter",
        field: "since",
      });
    });
  }
});
