import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startOf } from "../../../src/ingest/logs/compare-files.ts";
import type { LogLine } from "../../../src/ingest/logs/line-cutter.ts";
import { LineCutter, lineBytesMax } from "../../../src/ingest/logs/line-cutter.ts";
import { eventIdOf } from "../../../src/ingest/logs/line-identity.ts";

const text = Buffer.from(
  `first\n\nequal\nequal\n${"x".repeat(lineBytesMax + 10)}\nlast\nnot ended`,
);

function cut(chunkBytes: number, source = "logs", occurrence = 0): LogLine[] {
  const cutter = new LineCutter(startOf(source, occurrence));
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
    const whole = cut(text.length).map(({ hash, end }) => [eventIdOf(hash), end]);
    for (const chunkBytes of [1_000, 65_537, 7])
      assert.deepEqual(
        cut(chunkBytes).map(({ hash, end }) => [eventIdOf(hash), end]),
        whole,
      );
  });

  it("are known by what is before them, the source, and which of the files that begin alike they are in", () => {
    const ids = [cut(100), cut(100, "other"), cut(100, "logs", 1)].flatMap((lines) =>
      lines.map(({ hash }) => eventIdOf(hash)),
    );
    assert.equal(new Set(ids).size, 18);
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
        .map(({ hash }) => eventIdOf(hash)),
      ["b2de71b5-c4e3-8562-b5b0-73b410bbb545", "99420c60-4134-8385-9578-5006394f8e88"],
    );
  });

  it("end with the bytes where nothing can follow", () => {
    const cutter = new LineCutter(startOf("logs", 0));
    assert.equal([...cutter.push(Buffer.from("a\nb"))].length, 1);
    assert.deepEqual(
      [...cutter.finish()].map(({ start, end, bytes }) => [start, end, bytes?.toString()]),
      [[2, 3, "b"]],
    );
    assert.deepEqual([...cutter.finish()], []);
  });
});
