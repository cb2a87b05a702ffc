import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Connection, ConnectionEvent } from "../../../dashboard/model/connection.ts";
import {
  connecting,
  connectMsMax,
  nextConnection,
  silenceMsMax,
} from "../../../dashboard/model/connection.ts";

const told: ConnectionEvent = { kind: "told" };
const broken: ConnectionEvent = { kind: "broken" };
const woken: ConnectionEvent = { kind: "woken" };
const tick: ConnectionEvent = { kind: "tick" };
const refused: ConnectionEvent = {
  kind: "refused",
  problem: { title: "no", detail: "", code: "invalid_filter", status: 400 },
};

/** What becomes of it, step by step; half of what may be spread. */
function follow(...steps: readonly (readonly [ConnectionEvent, number])[]): Connection {
  let state = connecting(0);
  for (const [event, nowMs] of steps) state = nextConnection(state, event, nowMs, 0.5);
  return state;
}

describe("the connection", () => {
  it("is open once something is told, and stays so while it is", () => {
    assert.equal(follow([told, 10]).kind, "open");
    assert.equal(follow([told, 10], [tick, 5_000], [told, 6_000], [tick, 13_900]).kind, "open");
  });

  it("waits after a break, longer each time, and tries again by itself", () => {
    const waits: number[] = [];
    let state = connecting(0);
    let nowMs = 0;
    for (let i = 0; i < 7; i++) {
      state = nextConnection(state, broken, nowMs, 0.5);
      assert.equal(state.kind, "waiting");
      const { untilMs } = state as Extract<Connection, { kind: "waiting" }>;
      waits.push(untilMs - nowMs);
      assert.equal(nextConnection(state, tick, untilMs - 1, 0.5).kind, "waiting");
      nowMs = untilMs;
      state = nextConnection(state, tick, nowMs, 0.5);
      assert.equal(state.kind, "connecting");
    }
    assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  it("begins with the shortest wait again after it was open", () => {
    const state = follow(
      [broken, 0],
      [tick, 500],
      [broken, 600],
      [tick, 1_600],
      [told, 1_700],
      [broken, 9_000],
    );
    assert.deepEqual(state, { kind: "waiting", tries: 1, untilMs: 9_500 });
  });

  it("is given up where it is silent, also where nobody says that it is broken", () => {
    assert.equal(follow([told, 0], [tick, silenceMsMax - 1]).kind, "open");
    assert.equal(follow([told, 0], [tick, silenceMsMax]).kind, "waiting");
    assert.equal(follow([tick, connectMsMax - 1]).kind, "connecting");
    assert.equal(follow([tick, connectMsMax]).kind, "waiting");
  });

  it("does not wait any longer when the page is looked at again", () => {
    assert.equal(follow([broken, 0], [woken, 1]).kind, "connecting");
    assert.equal(follow([told, 0], [woken, 1]).kind, "open");
  });

  it("takes nothing from a stream that it has let go", () => {
    assert.equal(follow([broken, 0], [told, 1]).kind, "waiting");
  });

  it("asks no more where the question is refused", () => {
    const state = follow([refused, 1], [woken, 2], [tick, 60_000], [told, 60_001]);
    assert.equal(state.kind, "refused");
  });

  it("comes back in the end, whatever has happened to it", () => {
    const events = fc.array(fc.tuple(fc.constantFrom(told, broken, woken, tick), fc.nat(20_000)));
    fc.assert(
      fc.property(events, fc.double({ min: 0, max: 1, noNaN: true }), (history, spread) => {
        let state = connecting(0);
        let nowMs = 0;
        for (const [event, afterMs] of history)
          state = nextConnection(state, event, (nowMs += afterMs), spread);
        // From here on the service is there: it tells something wherever it is connected to.
        const deadlineMs = nowMs + connectMsMax + 15_000;
        while (state.kind !== "open" && nowMs < deadlineMs) {
          nowMs += 250;
          state = nextConnection(state, tick, nowMs, spread);
          if (state.kind === "connecting") state = nextConnection(state, told, nowMs, spread);
        }
        assert.equal(state.kind, "open");
      }),
    );
  });
});
