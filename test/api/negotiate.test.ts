import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { prefersCsv, prefersEvents } from "../../src/api/negotiate.ts";

const accepts: readonly (readonly [string | undefined, boolean])[] = [
  [undefined, false],
  ["", false],
  ["*/*", false],
  ["application/json", false],
  ["text/csv", true],
  ["TEXT/CSV", true],
  ["text/*", true],
  ["text/csv, application/json", true],
  ["application/json, text/csv", false],
  ["text/csv;q=0.5, application/json", false],
  ["text/csv, application/json;q=0.9", true],
  ["text/csv; q=0.5, */*; q=0.1", true],
  ["text/csv;q=0, */*", false],
  ["text/csv;q=0", false],
  ["*/*, text/csv", true],
  ["image/png", false],
  ["text/csv;q=high", false],
];

describe("content negotiation", () => {
  for (const [accept, expected] of accepts) {
    it(`answers '${accept}' with ${expected ? "CSV" : "JSON"}`, () => {
      assert.equal(prefersCsv(accept), expected);
    });
  }

  for (const [accept, expected] of [
    [undefined, false],
    ["*/*", false],
    ["application/x-ndjson", false],
    ["application/json", false],
    ["text/event-stream", true],
    ["text/event-stream, */*;q=0.1", true],
    ["application/x-ndjson, text/event-stream", false],
    ["text/csv", false],
  ] as const) {
    it(`answers '${accept}' with ${expected ? "events" : "NDJSON"}`, () => {
      assert.equal(prefersEvents(accept), expected);
    });
  }
});
