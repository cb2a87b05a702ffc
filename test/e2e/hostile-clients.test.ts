import assert from "node:assert/strict";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const connectionsMax = 10_000;
/** Fewer than a service has at most of one address. */
const addresses = Array.from({ length: 11 }, (_, i) => `127.0.1.${i + 1}`);

/** For a click and a question, on a machine that has other work too: less than what slow senders are given. */
const goodMsMax = 15_000;

/** What is sent and never goes on: nothing, half a head, or a head and a body of which a byte comes. */
const manners = [
  "",
  "GET /v1/status HTTP/1.1\r\nHost: x\r\nX-Slow: ",
  "POST /v1/clicks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n[",
] as const;

/** Holds connections to a service, and opens each anew that it loses. */
class Holder implements Disposable {
  private readonly port: number;
  private readonly held = new Set<Socket>();
  private readonly feeding: NodeJS.Timeout;
  private isEnding = false;
  opened = 0;
  open = 0;
  mostOpen = 0;

  constructor(url: string) {
    this.port = Number(new URL(url).port);
    // A byte now and then, so that no silence betrays them.
    this.feeding = setInterval(() => {
      for (const socket of this.held) if (socket.writable) socket.write("a");
    }, 1_000);
  }

  hold(address: string, manner: string): void {
    const socket = connect({ port: this.port, host: "127.0.0.1", localAddress: address });
    this.held.add(socket);
    socket.on("connect", () => {
      this.opened++;
      this.mostOpen = Math.max(this.mostOpen, ++this.open);
      socket.once("close", () => this.open--);
      if (manner !== "") socket.write(manner);
    });
    socket.on("error", () => {});
    socket.on("data", () => {});
    socket.on("close", () => {
      this.held.delete(socket);
      if (!this.isEnding) setTimeout(() => this.isEnding || this.hold(address, manner), 2_000);
    });
  }

  [Symbol.dispose](): void {
    this.isEnding = true;
    clearInterval(this.feeding);
    for (const socket of this.held) socket.destroy();
  }
}

/** As a sender does it that keeps what it could not send: with a connection of its own each time. */
async function sendClick(url: string, eventId: string): Promise<void> {
  await eventually(
    `the click ${eventId} is counted`,
    async () => {
      const response = await fetch(`${url}/v1/clicks?wait=counted`, {
        method: "POST",
        headers: { "content-type": "application/json", connection: "close" },
        body: JSON.stringify({ ad_id: "good", event_id: eventId, click_timestamp: Date.now() }),
        signal: AbortSignal.timeout(10_000),
      });
      const text = await response.text();
      return response.status === 200 && text.includes('"accepted":1') ? true : undefined;
    },
    60_000,
  );
}

describe("a service under clients that mean it ill", () => {
  it("goes on for good ones while as many connections as there may be are held, and bodies that never end", async () => {
    await using directory = await temporaryDirectory();
    const env = { CLICKTALLY_LOG_LEVEL: "warn" };
    await using service = await ServiceProcess.start({ dataDir: directory.path, env });
    using holder = new Holder(service.url);
    for (let i = 0; i < connectionsMax; i++)
      holder.hold(addresses[i % addresses.length]!, manners[i % 9 === 0 ? 2 : i % 2]!);
    await eventually("all are open", () => holder.opened >= connectionsMax || undefined);
    // Beyond what there may be: the longest held give way.
    for (let i = 0; i < 500; i++) holder.hold(addresses[i % addresses.length]!, manners[1]);
    await eventually("more have come", () => holder.opened >= connectionsMax + 500 || undefined);
    const waits: number[] = [];
    for (let i = 0; i < 5; i++) {
      const startMs = performance.now();
      await sendClick(service.url, `good-${i}`);
      const answer = await fetch(`${service.url}/v1/ads/good/aggregated_count?window=5`, {
        headers: { connection: "close" },
      });
      assert.equal(((await answer.json()) as { count: number }).count, i + 1);
      waits.push(performance.now() - startMs);
    }
    // Who says nothing for long is cut off, so that on a slow machine not all are ever open at once.
    assert.ok(holder.mostOpen > connectionsMax / 2, `${holder.mostOpen} were held`);
    const longestMs = Math.max(...waits);
    assert.ok(longestMs < goodMsMax, `a good one waited ${longestMs} ms`);
  });
});
