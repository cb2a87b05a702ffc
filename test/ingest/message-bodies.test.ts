import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bodiesOf, bodyOfNoJson } from "../../src/ingest/topics/message-bodies.ts";

const message = (topic: string, offset: number, text: string) => ({
  topic,
  partition: 0,
  offset: BigInt(offset),
  value: Buffer.from(text),
});

const limits = { itemsMax: 3, bytesMax: 40 };

const shown = (messages: Parameters<typeof bodiesOf>[0]): unknown[] =>
  bodiesOf(messages, limits).map(({ body, messages: own }) => [
    body.source,
    body.contentType,
    Buffer.from(body.bytes).toString(),
    own.map(({ offset }) => Number(offset)),
  ]);

describe("messages of foreign topics", () => {
  it("share a body of lines for each topic, an item each", () => {
    assert.deepEqual(
      shown([message("a", 1, '{"x":1}'), message("b", 7, "{}"), message("a", 2, " nonsense ")]),
      [
        ["a", "application/x-ndjson", '{"x":1}\n nonsense \n', [1, 2]],
        ["b", "application/x-ndjson", "{}\n", [7]],
      ],
    );
  });

  it("have a body of their own where they are arrays or several lines", () => {
    assert.deepEqual(
      shown([
        message("a", 1, " [{},{}]"),
        message("a", 2, '{\n"x":1}'),
        message("a", 3, "{\r}"),
        message("a", 4, "\ufeff{}"),
      ]),
      [
        ["a", "application/json", " [{},{}]", [1]],
        ["a", "application/json", '{\n"x":1}', [2]],
        ["a", "application/json", "{\r}", [3]],
        ["a", "application/json", "\ufeff{}", [4]],
      ],
    );
  });

  it("may end with a line break", () => {
    assert.deepEqual(shown([message("a", 1, "{}\r\n"), message("a", 2, "{}")]), [
      ["a", "application/x-ndjson", "{}\r\n\n{}\n", [1, 2]],
    ]);
  });

  it("share no larger bodies than ingest takes", () => {
    const bodies = bodiesOf(
      [5, 5, 5, 5, 30, 30, 90, 5].map((size, i) => message("a", i, "x".repeat(size))),
      limits,
    );
    assert.deepEqual(
      bodies.map(({ messages }) => messages.map(({ offset }) => Number(offset))),
      [[0, 1, 2], [3, 4], [5], [6], [7]],
    );
  });

  it("are left out where nothing is in them", () => {
    assert.deepEqual(shown([message("a", 1, ""), message("a", 2, " \n\t")]), []);
  });

  it("that are no JSON are stood for by a line that is none", () => {
    const { source, bytes, history } = bodyOfNoJson("a");
    assert.deepEqual([source, history], ["a", false]);
    assert.throws(() => JSON.parse(Buffer.from(bytes).toString()));
  });
});
