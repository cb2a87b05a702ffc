import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CodedError } from "../../src/model/errors.ts";
import { partitionOf } from "../../src/model/partition.ts";
import { eventually } from "../support/eventually.ts";
import { receivedAtMs } from "./decoding.ts";
import { clicks, ndjsonBody, startIngest } from "./ingest-harness.ts";

describe("ticks", () => {
  const idleLagMs = 15_000;

  it("go to the partitions that had no live clicks for a while", async () => {
    await using harness = await startIngest({ partitionCount: 2 });
    const { ingest, clock } = harness;
    assert.deepEqual(await ingest.tick(idleLagMs), []);
    clock.nowMs += idleLagMs;
    const ad = Array.from({ length: 50 }, (_, i) => `ad-${i}`).find(
      (id) => partitionOf(Buffer.from(id), 2) === 1,
    )!;
    const click = { ad_id: ad, click_timestamp: receivedAtMs, event_id: "e" };
    await ingest.accept(ndjsonBody([click]));
    assert.deepEqual(await ingest.tick(idleLagMs), [0]);
    assert.deepEqual((await harness.log(0)).at(-1), {
      kind: "tick",
      receivedAtMs: receivedAtMs + idleLagMs,
    });
    clock.nowMs += idleLagMs - 1;
    assert.deepEqual(await ingest.tick(idleLagMs), [0]);
    clock.nowMs += 1;
    assert.deepEqual(await ingest.tick(idleLagMs), [0, 1]);
  });

  it("don't come before clicks that are on their way", async () => {
    await using harness = await startIngest();
    harness.clock.nowMs += idleLagMs;
    const [, ticked] = await Promise.all([
      harness.ingest.accept(ndjsonBody(clicks(1, "a"))),
      harness.ingest.tick(idleLagMs),
    ]);
    assert.deepEqual(ticked, []);
    assert.deepEqual(
      (await harness.log()).map(({ kind }) => kind),
      ["clicks"],
    );
  });

  it("go on through imports, rejects and failed appends, which are no live clicks", async () => {
    await using harness = await startIngest();
    const { ingest } = harness;
    harness.clock.nowMs += idleLagMs;
    await ingest.accept(ndjsonBody(["{}"]));
    await ingest.accept(ndjsonBody(clicks(1, "a"), { history: true }));
    harness.onAppend = () => {
      throw new CodedError("queue_full", "no room");
    };
    await assert.rejects(ingest.accept(ndjsonBody(clicks(1, "b"))));
    await assert.rejects(ingest.tick(idleLagMs), { code: "queue_full" });
    harness.onAppend = () => {};
    assert.deepEqual(await ingest.tick(idleLagMs), [0]);
  });

  it("stay away where others bring live clicks, and where that can't be told", async () => {
    await using harness = await startIngest({ partitionCount: 3 });
    const { ingest, clock } = harness;
    clock.nowMs += idleLagMs;
    assert.deepEqual(await ingest.tick(idleLagMs, [0, 2]), [0, 2]);
    const asked: number[] = [];
    await using _ = ingest.ticks({
      idleLagMs,
      everyMs: 5,
      silent: async (timeMs) => {
        asked.push(timeMs);
        if (asked.length === 1) throw new CodedError("queue_unavailable", "nobody knows");
        return [1];
      },
    });
    await eventually("a tick", () => (harness.appends.length >= 2 ? true : undefined));
    assert.ok(asked.length >= 2 && asked.every((timeMs) => timeMs === idleLagMs));
    const kinds = async (partition: number) =>
      new Set((await harness.log(partition)).map(({ kind }) => kind));
    assert.deepEqual([...(await kinds(1))], ["tick"]);
    assert.equal((await harness.log(0)).length, 1);
  });

  it("come by themselves until they are stopped, also after one has failed", async () => {
    await using harness = await startIngest();
    harness.clock.nowMs += idleLagMs;
    let failures = 0;
    harness.onAppend = () => {
      if (failures++ === 0) throw new CodedError("queue_full", "no room");
    };
    const source = harness.ingest.ticks({ idleLagMs, everyMs: 5 });
    await eventually("three appends", () => (harness.appends.length >= 3 ? true : undefined));
    await source[Symbol.asyncDispose]();
    const count = harness.appends.length;
    assert.deepEqual(
      (await harness.log()).map(({ kind }) => kind),
      Array.from({ length: count - 1 }, () => "tick"),
    );
    await harness.ingest.accept(ndjsonBody(clicks(1, "a")));
    assert.equal(harness.appends.length, count + 1);
  });
});
