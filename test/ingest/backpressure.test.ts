import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AdmissionGate } from "../../src/ingest/backpressure.ts";

const limits = { waitingBodiesMax: 3, waitingBytesMax: 1000 };

describe("AdmissionGate", () => {
  it("lets in as many bodies as may wait, and more when some are done", () => {
    const gate = new AdmissionGate(limits);
    const inside = [gate.enter(1), gate.enter(1), gate.enter(1)];
    assert.throws(() => gate.enter(1), { code: "overloaded" });
    inside[1]!.release();
    gate.enter(1);
    assert.throws(() => gate.enter(1), { code: "overloaded" });
    assert.equal(gate.waitingBodies, 3);
  });

  it("lets in as many bytes as may wait", () => {
    const gate = new AdmissionGate(limits);
    const first = gate.enter(600);
    assert.throws(() => gate.enter(401), { code: "overloaded" });
    gate.enter(400);
    assert.equal(gate.waitingBytes, 1000);
    first.release();
    assert.equal(gate.waitingBytes, 400);
  });

  it("lets a body in that is larger than all limits, but alone", () => {
    const gate = new AdmissionGate(limits);
    const large = gate.enter(5000);
    large.grow(100);
    assert.throws(() => gate.enter(1), { code: "overloaded" });
    large.release();
    assert.equal(gate.waitingBytes, 0);
    gate.enter(1);
    assert.throws(() => gate.enter(5000), { code: "overloaded" });
  });

  it("counts the bytes of a body that grows", () => {
    const gate = new AdmissionGate(limits);
    const growing = gate.enter(0);
    gate.enter(500);
    growing.grow(400);
    assert.throws(() => growing.grow(101), { code: "overloaded" });
    assert.equal(gate.waitingBytes, 900);
    growing.release();
    assert.equal(gate.waitingBytes, 500);
  });

  it("takes back a place once", () => {
    const gate = new AdmissionGate(limits);
    {
      using admission = gate.enter(10);
      admission.release();
      assert.equal(gate.waitingBodies, 0);
    }
    assert.equal(gate.waitingBodies, 0);
    assert.equal(gate.waitingBytes, 0);
  });

  it("is shut for a reason, until every reason is gone", () => {
    const gate = new AdmissionGate(limits);
    const inside = gate.enter(10);
    gate.close("dedup_full", "no room for ids");
    gate.close("not_ready", "starting");
    assert.throws(() => gate.enter(1), { code: "not_ready", message: "starting" });
    gate.reopen("not_ready");
    assert.equal(gate.closedFor, "dedup_full");
    assert.throws(() => gate.enter(1), { code: "dedup_full", message: "no room for ids" });
    inside.release();
    gate.reopen("dedup_full");
    assert.equal(gate.closedFor, undefined);
    gate.enter(1);
  });
});
