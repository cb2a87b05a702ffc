import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CodedError } from "../../src/model/errors.ts";
import { problemOf, startHttpSide } from "./harness.ts";

describe("/healthz", () => {
  it("is ok where nothing is known to be wrong", async () => {
    await using side = await startHttpSide();
    const response = await fetch(`${side.url}/healthz`);
    assert.deepEqual([response.status, await response.json()], [200, { status: "ok" }]);
  });

  it("names what is wrong with the numbers", async () => {
    const health = { ledgerImbalance: 3, mismatchedMinutes: [29_521_001, 29_521_003] };
    await using side = await startHttpSide({}, { health });
    const problem = await problemOf(await fetch(`${side.url}/healthz`));
    const minutes = ["2026-02-16T16:41:00Z", "2026-02-16T16:43:00Z"];
    assert.deepEqual(
      [problem.status, problem.code, problem["ledger_imbalance"], problem["mismatched_minutes"]],
      [503, "unhealthy", 3, minutes],
    );
    assert.equal(
      problem.detail,
      "the ledger does not balance by 3 clicks; the counts of these minutes are not those of their raw clicks: " +
        minutes.join(", "),
    );
  });
});

describe("/metrics", () => {
  it("answers in the text format, without what a service that recovers does not know", async () => {
    const status = () => Promise.reject(new CodedError("not_ready", "recovering"));
    await using side = await startHttpSide({}, { query: { status } });
    const response = await fetch(`${side.url}/metrics`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    assert.match(text, /^clicktally_ack_seconds_count 0$/m);
    assert.doesNotMatch(text, /clicktally_dedup_ids/);
  });
});
