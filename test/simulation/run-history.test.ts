import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Action, History } from "../../src/simulation/history.ts";
import { planHistory } from "../../src/simulation/plan-history.ts";
import { runHistory } from "../../src/simulation/run-history.ts";

const { settings } = planHistory(1);

function sendOf(atMs: number, eventId: string): Action {
  const fields = { ad_id: "ad-1", event_id: eventId, click_timestamp: settings.startMs + atMs };
  const items = [{ fields, isValid: true }];
  const how = { source: "http", format: "json", history: false, waits: false } as const;
  return { kind: "send", atMs, batch: { ...how, triesMax: 5, items } };
}

describe("a history", () => {
  it("ends with the service that was started again, where the last one met damage only then", async () => {
    const history: History = {
      seed: 2,
      settings,
      // What the second body brings is read when the store is back, and that is when the history is over.
      actions: [sendOf(1_000, "one"), sendOf(1_300, "two"), sendOf(1_800, "three")],
      faults: [
        { armedAtMs: 900, fault: "outage", step: "commit.begin" },
        { armedAtMs: 1_300, fault: "bit_flip", step: "append.done" },
      ],
    };
    const { failure, trace, starts } = await runHistory(history, { keepsTrace: true });
    assert.ok(
      trace!.some((line) => line.includes("halted: CodedError: the click queue is damaged")),
    );
    assert.equal(failure, undefined);
    assert.equal(starts, 2);
  });
});
