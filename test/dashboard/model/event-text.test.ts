import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { EventText } from "../../../dashboard/model/event-text.ts";

describe("events", () => {
  it("are the same however their text is cut", () => {
    const text =
      ': hello\n\nevent: live\ndata: {"a":1}\n\ndata: two\ndata: lines\n\nid: 3\nevent: problem\ndata: {}\n\nevent: live\ndata: unfin';
    const expected = [
      { type: "live", data: '{"a":1}' },
      { type: "message", data: "two\nlines" },
      { type: "problem", data: "{}" },
    ];
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const events = new EventText();
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const found = places.slice(1).flatMap((to, i) => events.take(text.slice(places[i], to)));
        assert.deepEqual(found, expected);
      }),
    );
  });

  it("come to an end, or are none", () => {
    const events = new EventText();
    assert.throws(() => {
      for (let i = 0; i < 100; i++) events.take("x".repeat(100_000));
    }, /without an end/);
  });
});
