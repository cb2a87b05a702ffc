import assert from "node:assert/strict";
import { test } from "node:test";
import { OccurrenceTable } from "../../../src/ingest/import/occurrence-table.ts";
import { Random } from "../../../src/traffic/random.ts";

void test("it counts as a map does, also where ids share words", () => {
  const random = new Random(7);
  const table = new OccurrenceTable(4);
  const expected = new Map<string, number>();
  for (let i = 0; i < 50_000; i++) {
    const id = Uint32Array.of(
      random.below(300) * 14_316_557,
      random.below(4),
      random.below(4),
      random.below(4),
    );
    const key = id.join();
    expected.set(key, (expected.get(key) ?? 0) + 1);
    if (table.add(id, 0) !== expected.get(key)) assert.fail(`the id ${key} was miscounted`);
  }
  assert.equal(table.size, expected.size);
});
