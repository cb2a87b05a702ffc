import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { minuteMs } from "../../src/model/time.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const clicksASecond = 20_000;
const batchClicks = 1_000;
const seconds = 12;
const deadlineMs = 120_000;
/** Of the clicks of a batch, so many are for minutes that are final. */
const lateClicks = 50;

describe("recomputes beside what comes in", () => {
  it("leave every click counted once, with the minute rows equal to raw, under two policies in turn", async (context) => {
    await using directory = await temporaryDirectory();
    await using service = await ServiceProcess.start({ dataDir: directory.path });
    const startMs = Date.now();
    let [accepted, sent] = [0, 0];
    const batch = async (): Promise<void> => {
      const first = sent;
      sent += batchClicks;
      const lines = Array.from({ length: batchClicks }, (_, i) => {
        const ageMs = i < lateClicks ? (30 + (i % 20)) * minuteMs : i;
        return JSON.stringify({
          ad_id: `ad-${(first + i) % 500}`,
          click_timestamp: Date.now() - ageMs,
          event_id: `event-${first + i}`,
          country: i % 2 === 0 ? "US" : "DE",
        });
      });
      const { status, body } = await service.post<{ accepted: number }>(
        "/v1/clicks",
        lines.join("\n"),
      );
      assert.equal(status, 200);
      accepted += body.accepted;
    };
    const recomputed: number[] = [];
    // On a busy machine they take longer, and what is to be seen is what comes in meanwhile.
    const isOver = (): boolean => {
      const spentMs = Date.now() - startMs;
      const isSeen = recomputed.length >= 3 && recomputed.some((clicks) => clicks > 0);
      return spentMs >= (isSeen ? seconds * 1_000 : deadlineMs);
    };
    const recomputeForEver = async (): Promise<void> => {
      const range = { from: startMs - 60 * minuteMs, to: startMs - 10 * minuteMs };
      for (let i = 0; !isOver(); i++) {
        const body =
          i % 3 === 2
            ? { rollback: "last", reason: "test" }
            : { ...range, apply: true, reason: "test", late: i % 3 ? "restate" : "quarantine" };
        const answer = await service.post<{ clicks: number }>(
          "/v1/admin/recompute",
          JSON.stringify(body),
          "application/json",
        );
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
        recomputed.push(answer.body.clicks);
      }
    };
    await batch();
    // Before more comes: a busy machine may never catch up with what comes in.
    await service.caughtUp();
    const recomputing = recomputeForEver();
    while (!isOver()) {
      const wantedBy = ((Date.now() - startMs) / 1_000) * clicksASecond;
      if (sent < wantedBy) await Promise.all([batch(), batch()]);
      else await service.get("/healthz");
    }
    await recomputing;
    await service.caughtUp();
    assert.ok(
      recomputed.length >= 3 && recomputed.some((clicks) => clicks > 0),
      String(recomputed),
    );
    const { body } = await service.post<{ differing_rows: number; ledger_balanced: boolean }>(
      "/v1/admin/audit",
      "{}",
      "application/json",
    );
    assert.deepEqual([body.differing_rows, body.ledger_balanced], [0, true]);
    const ledger = { from: String(startMs - minuteMs), to: String(Date.now() + minuteMs) };
    const { total } = await service.get<{ total: Record<string, number> }>(
      `/v1/ledger?${new URLSearchParams(ledger)}`,
    );
    assert.equal(total["received"], accepted);
    assert.equal(total["counted"]! + total["restated"]! + total["quarantined"]!, sent);
    const spentSeconds = (Date.now() - startMs) / 1_000;
    context.diagnostic(
      `${Math.round(sent / spentSeconds)} clicks/s, ${recomputed.length} recomputes`,
    );
  });
});
