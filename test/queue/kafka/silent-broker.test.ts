import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { openKafkaQueueReader } from "../../../src/queue/kafka/reader.ts";
import { eventually } from "../../support/eventually.ts";

const glanceMsMax = 6_000;
const stopMsMax = 3_000;

/** Takes connections and what is sent to it, and never answers. */
async function silentBroker(): Promise<AsyncDisposable & { address: string; heard: () => number }> {
  const sockets = new Set<Socket>();
  let bytes = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("data", (data) => (bytes += data.length));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard: () => bytes,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const security = {
  protocol: "PLAINTEXT",
  mechanism: "PLAIN",
  username: "",
  password: "",
} as const;

describe("a reader of a topic whose broker says nothing", () => {
  it("tells in seconds that nobody knows where the log ends, again and again", async () => {
    await using broker = await silentBroker();
    const brokers = [broker.address];
    const topic = { topic: "clicks", partitionCount: 2, spread: 1, replicas: 1 };
    await using reader = await openKafkaQueueReader({ brokers, ...topic, security });
    for (let times = 0; times < 2; times++) {
      const startMs = performance.now();
      await assert.rejects(reader.ends(), {
        code: "queue_unavailable",
        message: /no answer in 3 s/,
      });
      assert.ok(performance.now() - startMs < glanceMsMax);
    }
  });

  it("ends with a read under way", async () => {
    await using broker = await silentBroker();
    const brokers = [broker.address];
    const topic = { topic: "clicks", partitionCount: 2, spread: 1, replicas: 1 };
    const reader = await openKafkaQueueReader({ brokers, ...topic, security });
    const reads = [0, 1].map((partition) =>
      assert.rejects(reader.read(partition, 0, { clicksMax: 1, recordsMax: 1 }), {
        code: "queue_unavailable",
      }),
    );
    await eventually("the broker is asked", () => broker.heard() > 0 || undefined);
    const startMs = performance.now();
    await reader[Symbol.asyncDispose]();
    await Promise.all(reads);
    assert.ok(performance.now() - startMs < stopMsMax);
  });
});
