import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startOf } from "../../../src/ingest/logs/compare-files.ts";
import type { LogLine } from "../../../src/ingest/logs/line-cutter.ts";
import { LineCutter, lineBytesMax } from "../../../src/ingest/logs/line-cutter.ts";
import { eventIdOf } from "../../../src/ingest/logs/line-identity.ts";

const text = Buffer.from(
  `first\n\nequal\nequal\n${"x".repeat(lineBytesMax + 10)}\nlast\nnot ended`,
);

function cut(chunkBytes: number, source = "logs"): LogLine[] {
  const cutter = new LineCutter(startOf(source));
  const lines: LogLine[] = [];
  for (let at = 0; at < text.length; at += chunkBytes)
    lines.push(...cutter.push(text.subarray(at, at + chunkBytes)));
  return lines;
}

describe("lines cut from bytes", () => {
  it("have their number, place and bytes, but for those that are too long", () => {
    const lines = cut(text.length);
    const long = lineBytesMax + 10;
    assert.deepEqual(
      lines.map(({ number, start, end, bytes }) => [number, start, end, bytes?.toString()]),
      [
        [1, 0, 6, "first"],
        [2, 6, 7, ""],
        [3, 7, 13, "equal"],
        [4, 13, 19, "equal"],
        [5, 19, 20 + long, undefined],
        [6, 20 + long, 25 + long, "last"],
      ],
    );
  });

  it("are the same, however the bytes come", () => {
    const whole = cut(text.length).map(({ hash, end }) => [eventIdOf(hash, 0), end]);
    for (const chunkBytes of [1_000, 65_537, 7])
      assert.deepEqual(
        cut(chunkBytes).map(({ hash, end }) => [eventIdOf(hash, 0), end]),
        whole,
      );
  });

  it("are known by what is before them, the source, and which of the files that begin alike they are in", () => {
    const ids = [cut(100), cut(100, "other")].flatMap((lines) =>
      lines.flatMap(({ hash }) => [eventIdOf(hash, 0), eventIdOf(hash, 1), eventIdOf(hash, 2)]),
    );
    assert.equal(new Set(ids).size, 36);
  });

  it("go on where they were left", () => {
    const lines = cut(text.length);
    const { end, number, hash } = lines[2]!;
    const cutter = new LineCutter({ bytes: end, lines: number, hash });
    const rest = [...cutter.push(text.subarray(end))];
    assert.deepEqual(rest, lines.slice(3));
  });

  it("keep the ids that they have had", () => {
    assert.deepEqual(
      cut(text.length)
        .slice(0, 2)
        .map(({ hash }) => eventIdOf(hash, 0)),
      ["3cb93595-5725-8264-bebe-2c6b2fe809e7", "e5ccc6a2-b8cc-8cc3-8784-552bbdbb502a"],
    );
  });

  it("end with the bytes where nothing can follow", () => {
    const cutter = new LineCutter(startOf("logs"));
    assert.equal([...cutter.push(Buffer.from("a\nb"))].length, 1);
    assert.deepEqual(
      [...cutter.finish()].map(({ start, end, bytes }) => [start, end, bytes?.toString()]),
      [[2, 3, "b"]],
    );
    assert.deepEqual([...cutter.finish()], []);
  });
});
