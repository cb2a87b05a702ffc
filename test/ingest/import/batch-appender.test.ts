import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BatchAppender } from "../../../src/ingest/import/batch-appender.ts";

const tallyOf = (rows: number) => ({ rows, accepted: rows, rejected: {}, unknownFields: 0 });
const bytes = new Uint8Array(1);

describe("appends of an import", () => {
  it("tell of a failure once what was appended before it is noted", async () => {
    let appends = 0;
    const appender = new BatchAppender(async () => {
      if (++appends === 2) throw new Error("the disk is gone");
    }, "import:a");
    const gate = Promise.withResolvers<void>();
    const noted: number[] = [];
    appender.onAppended = async ({ rows }) => {
      await gate.promise;
      noted.push(rows);
    };
    await appender.append(bytes, tallyOf(1));
    let isTold = false;
    const failing = appender
      .append(bytes, tallyOf(2))
      .then(() => appender.finish())
      .finally(() => (isTold = true));
    failing.catch(() => {});
    // Far more turns than the failure takes to come up.
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([appends, isTold, noted], [2, false, []]);
    gate.resolve();
    await assert.rejects(failing, /the disk is gone/);
    assert.deepEqual(noted, [1]);
  });
});
