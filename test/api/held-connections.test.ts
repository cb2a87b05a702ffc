import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import type { HttpSide } from "./harness.ts";
import { startHttpSide } from "./harness.ts";

async function open(side: HttpSide, localAddress = "127.0.0.1"): Promise<Socket> {
  const { hostname, port } = new URL(side.url);
  const accepted = once(side.server.server, "connection");
  const socket = connect({ host: hostname, port: Number(port), localAddress });
  socket.on("error", () => {}).resume();
  await Promise.all([once(socket, "connect"), accepted]);
  return socket;
}

/** Asks something on it, and leaves it open. */
async function ask(socket: Socket): Promise<void> {
  const answered = once(socket, "data");
  socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await answered;
}

async function status(side: HttpSide): Promise<number> {
  const response = await fetch(`${side.url}/healthz`, { headers: { connection: "close" } });
  await response.text();
  return response.status;
}

describe("connections beyond those that there may be", () => {
  it("are let in for the ones that asked nothing for longest, then for those that rest, never for a request", async () => {
    await using side = await startHttpSide({ "limits.connections": "4" });
    const rested = await open(side);
    await ask(rested);
    const running = await open(side);
    const started = once(side.server.server, "request");
    running.write(
      "PUT /v1/ads/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{",
    );
    await started;
    const [first, second] = [await open(side), await open(side)];
    const firstGone = once(first, "close");
    const third = await open(side);
    await firstGone;
    assert.deepEqual([second.closed, rested.closed], [false, false]);
    await ask(second);
    await ask(third);
    // All have asked by now: who rests longest gives way.
    const restedGone = once(rested, "close");
    assert.equal(await status(side), 200);
    await restedGone;
    const answer = once(running, "data");
    running.write("}");
    assert.match(String((await answer)[0]), /^HTTP\/1\.1 400 /);
    for (const socket of [second, third, running]) socket.destroy();
  });

  it("are refused where in all of them a request runs", async () => {
    await using side = await startHttpSide({ "limits.connections": "1" });
    const running = await open(side);
    const started = once(side.server.server, "request");
    running.write(
      "PUT /v1/ads/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{",
    );
    await started;
    await assert.rejects(status(side));
    running.destroy();
  });

  it("of one address give way to one another, and to no other address's", async () => {
    await using side = await startHttpSide({ "limits.connections_address": "2" });
    const other = await open(side, "127.0.0.2");
    const own = [await open(side), await open(side)];
    const gone = once(own[0]!, "close");
    own.push(await open(side));
    await gone;
    assert.deepEqual(
      [other, ...own].map(({ closed }) => closed),
      [false, true, false, false],
    );
    for (const socket of [other, ...own]) socket.destroy();
  });

  it("of a trusted proxy are as many as there may be at all", async () => {
    const flags = { "limits.connections_address": "2", trusted_proxies: "127.0.0.1" };
    await using side = await startHttpSide(flags);
    const sockets = [await open(side), await open(side), await open(side), await open(side)];
    for (const socket of sockets) await ask(socket);
    for (const socket of sockets) socket.destroy();
  });
});
