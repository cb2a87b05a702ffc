import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { QueriedLog } from "./engine-fixture.ts";

const nowMs = Date.UTC(2026, 0, 16);
const window = { from: String(nowMs - 86_400_000), to: String(nowMs + 86_400_000) };

describe("a ledger that does not balance", () => {
  it("is told by ledger, audit and status, also after a restart", async () => {
    await using log = await QueriedLog.open();
    const engine = await log.engine();
    assert.equal((await engine.status()).ledger_balanced, true);
    const last = log.folded.commits.at(-1)!;
    const commit = {
      ...last,
      sequence: last.sequence + 1,
      dictionaries: [],
      configs: [],
      ledger: [
        {
          source: "http",
          receivedMinute: Math.floor(nowMs / 60_000),
          received: 3,
          outcomes: { counted: 1, duplicate: 1 },
        },
      ],
    };
    await log.store.commit(commit);
    engine.apply(commit);
    for (const each of [engine, await log.engine()]) {
      const { balanced, total } = await each.ledger(window);
      assert.deepEqual(
        [balanced, total.received, total.counted, total.duplicate],
        [false, 3, 1, 1],
      );
      assert.equal((await each.audit({})).ledger_balanced, false);
      assert.equal((await each.status()).ledger_balanced, false);
    }
  });
});
