import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import type { LayoutPiece } from "../../src/model/minute-layout.ts";
import {
  changedPieces,
  commonLayoutPieces,
  layoutPieces,
  relaid,
} from "../../src/model/minute-layout.ts";
import { testConfig } from "../support/random-clicks.ts";

const layout = (...names: string[]): DimensionLayout =>
  names.map((name) => ({ name, in: "minute", type: name === "ip" ? "ip" : "string" }));
const configs = [
  { ...testConfig, generation: 1, fromMinute: 0, dimensions: layout("a") },
  { ...testConfig, generation: 2, fromMinute: 50, dimensions: layout("a", "b", "ip") },
];
const range = { fromMinute: 10, toMinute: 100 };
const change = (partition: number, fromMinute: number, toMinute: number, ...names: string[]) => ({
  id: "one",
  partition,
  fromMinute,
  toMinute,
  dimensions: names,
});
const shown = (pieces: readonly LayoutPiece[]): string[] =>
  pieces.map(({ fromMinute, toMinute, dimensions, mixed = [] }) =>
    [fromMinute, toMinute, dimensions.join("+"), ...mixed.map((name) => `(${name})`)].join(" "),
  );

describe("the layout of minute rows", () => {
  it("is that of the configuration in force, until a recompute has changed it; the last one counts", () => {
    assert.deepEqual(shown(layoutPieces(configs, [], range)), ["10 50 a", "50 100 a+b+ip"]);
    const changes = [change(0, 20, 60, "b"), change(0, 30, 40, "c")];
    assert.deepEqual(shown(layoutPieces(configs, changes, range)), [
      "10 20 a",
      "20 30 b",
      "30 40 c",
      "40 50 b",
      "50 60 b",
      "60 100 a+b+ip",
    ]);
  });

  it("is of all partitions what each has, and mixed where only some have it", () => {
    const changes = [change(0, 20, 50, "a", "b"), change(1, 30, 50, "b")];
    assert.deepEqual(shown(commonLayoutPieces(configs, changes, 2, range)), [
      "10 20 a",
      "20 30 a (b)",
      "30 50 b (a)",
      "50 100 a+b+ip",
    ]);
    assert.deepEqual(shown(commonLayoutPieces(configs, changes, 3, range)).slice(2, 3), [
      "30 50  (a) (b)",
    ]);
  });

  it("becomes another one by a recompute, but for addresses that rows have not as keys", () => {
    const pieces = layoutPieces(configs, [], range);
    const made = relaid(pieces, layout("b", "ip"));
    assert.deepEqual(shown(made), ["10 50 b", "50 100 b+ip"]);
    assert.deepEqual(shown(changedPieces(pieces, made)), ["10 50 b", "50 100 b+ip"]);
    assert.deepEqual(changedPieces(pieces, relaid(pieces, layout("a"))).length, 1);
  });
});
