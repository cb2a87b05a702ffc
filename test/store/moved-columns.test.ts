import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outcomeNames } from "../../src/model/outcome.ts";
import { factTables } from "../../src/store/clickhouse/schema.ts";
import { movedColumns, movedDayColumns } from "../../src/store/store-moves.ts";

describe("the columns of small tables that move", () => {
  it("are those of the tables that take them in", () => {
    const { commit_log: _, operation, ledger, ...whole } = movedColumns;
    const moved = {
      ...whole,
      ...movedDayColumns,
      operation: operation.slice(1),
      ledger: [...ledger, ...outcomeNames],
    };
    for (const [table, columns] of Object.entries(moved))
      assert.deepEqual(
        columns,
        factTables[table as keyof typeof moved].map(({ name }) => name),
        table,
      );
  });
});
