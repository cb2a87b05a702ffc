import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Connection, literal, literals } from "../../src/store/clickhouse/connection.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";

describe("texts in statements for ClickHouse", () => {
  it("are what they were, whatever is in them", async () => {
    await using server = await ClickHouseServer.start();
    await using connection = new Connection({ urls: [server.url], database: "default" });
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.string({
        unit: fc.constantFrom(
          "'",
          "\\",
          "\\'",
          "`",
          "\0",
          "\n",
          "{p:String}",
          "--",
          "/*",
          "?",
          "é",
          ";",
        ),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 20 }), async (texts) => {
        const [row] = await connection.rows(
          `SELECT ${texts.map(literal).join(", ")}, length([${literals(texts)}])`,
        );
        assert.deepEqual(row, [...texts, texts.length]);
        const [found] = await connection.rows(
          `SELECT ${literal(texts[0]!)} IN (${literals(texts)})`,
        );
        assert.deepEqual(found, [1]);
      }),
      { numRuns: 150 },
    );
  });
});
