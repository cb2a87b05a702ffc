import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MessageChannel, Worker } from "node:worker_threads";
import { CodedError } from "../../src/model/errors.ts";
import { connect } from "../../src/threads/endpoint.ts";
import type { Remote } from "../../src/threads/endpoint.ts";

/** Both sides of a channel; it is closed in the end. */
function channel(methods: Parameters<typeof connect>[1]): Disposable & { readonly remote: Remote } {
  const { port1, port2 } = new MessageChannel();
  connect(port1, methods);
  return { remote: connect(port2, {}), [Symbol.dispose]: () => port1.close() };
}

describe("calls between threads", () => {
  it("bring values back, each to its caller", async () => {
    using both = channel({
      slow: async (value: number) => {
        await new Promise(setImmediate);
        return value;
      },
      quick: (value: number) => value,
    });
    const { remote } = both;
    const calls = [remote.call("slow", [1]), remote.call("quick", [2]), remote.call("quick", [3])];
    assert.deepEqual(await Promise.all(calls), [1, 2, 3]);
  });

  it("keep an error's code, field, details, message and stack", async () => {
    const details = { known: ["country", "device"] };
    using both = channel({
      refuse: () => {
        throw new CodedError("unknown_dimension", "no such dimension", {
          field: "filter",
          details,
        });
      },
      fail: async () => {
        throw new RangeError("out of range");
      },
    });
    await assert.rejects(both.remote.call("refuse", []), (error: unknown) => {
      assert.ok(error instanceof CodedError);
      const { code, field, message } = error;
      assert.deepEqual(
        [code, field, message],
        ["unknown_dimension", "filter", "no such dimension"],
      );
      assert.deepEqual(error.details, details);
      assert.match(error.stack!, /endpoint\.test\.ts/);
      return true;
    });
    await assert.rejects(both.remote.call("fail", []), { message: "out of range" });
  });

  it("reject for a method that is not there, and for what can't be sent", async () => {
    using both = channel({ echo: (value: unknown) => value });
    await assert.rejects(both.remote.call("other", []), /not a function/);
    await assert.rejects(both.remote.call("echo", [() => 1]), { name: "DataCloneError" });
    assert.equal(await both.remote.call("echo", [1]), 1);
  });

  it("reject when the side is closed, those in progress and all later ones, by the first reason", async () => {
    using both = channel({ hang: () => new Promise(() => {}) });
    const call = both.remote.call("hang", []);
    both.remote.close(new Error("the first reason"));
    both.remote.close(new Error("another"));
    await assert.rejects(call, /the first reason/);
    await assert.rejects(both.remote.call("hang", []), /the first reason/);
  });

  it("reject when the thread at the other end of a port dies", { timeout: 10_000 }, async () => {
    const { port1, port2 } = new MessageChannel();
    const endpoint = new URL("../../src/threads/endpoint.ts", import.meta.url).href;
    const source = `
      import { workerData } from "node:worker_threads";
      const { connect } = await import(${JSON.stringify(endpoint)});
      connect(workerData, { echo: (value) => value, hang: () => new Promise(() => {}) });
    `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
      workerData: port1,
      transferList: [port1],
    });
    const remote = connect(port2, {});
    assert.equal(await remote.call("echo", [5]), 5);
    const call = remote.call("hang", []);
    const rejected = assert.rejects(call, /the thread on the other side has ended/);
    await worker.terminate();
    await rejected;
    await assert.rejects(remote.call("echo", [5]), /the thread on the other side has ended/);
  });
});
