import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import type { Readiness } from "../../src/api/service-parts.ts";
import { json, problemOf, startHttpSide } from "./harness.ts";

describe("the doors of the service", () => {
  it("are shut with Retry-After where too many bodies wait, before a body is read", async () => {
    await using side = await startHttpSide({ "limits.waiting_bodies": "1" });
    const { hostname, port } = new URL(side.url);
    const slow = connect(Number(port), hostname);
    slow.write(
      "POST /v1/clicks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n[",
    );
    const isShut = async (): Promise<Response> => {
      for (;;) {
        const response = await fetch(`${side.url}/v1/clicks`, {
          method: "POST",
          body: "",
          headers: json,
        });
        if (response.status === 503) return response;
        await response.body?.cancel();
      }
    };
    const response = await isShut();
    assert.equal(response.headers.get("retry-after"), "1");
    assert.equal((await problemOf(response)).code, "overloaded");
    slow.destroy();
  });

  it("open again when a sender goes away in the middle of a body", async () => {
    await using side = await startHttpSide({ "limits.waiting_bodies": "1" });
    const { hostname, port } = new URL(side.url);
    const gone = connect(Number(port), hostname);
    gone.write(
      "POST /v1/clicks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n[",
    );
    const status = async (): Promise<number> => {
      const response = await fetch(`${side.url}/v1/clicks`, {
        method: "POST",
        body: "",
        headers: json,
      });
      await response.body?.cancel();
      return response.status;
    };
    while ((await status()) !== 503);
    gone.destroy();
    while ((await status()) === 503);
    assert.equal(await status(), 400);
  });

  it("tell whether the service is ready", async () => {
    let ready = false;
    const readiness = (): Readiness => (ready ? { ready } : { ready, reason: "recovering" });
    await using side = await startHttpSide({}, { readiness });
    const unready = await fetch(`${side.url}/readyz`);
    assert.deepEqual([unready.status, unready.headers.get("retry-after")], [503, "1"]);
    const problem = await problemOf(unready);
    assert.deepEqual([problem.code, problem.detail], ["not_ready", "recovering"]);
    assert.equal((await fetch(`${side.url}/healthz`)).status, 200);
    ready = true;
    assert.deepEqual(await (await fetch(`${side.url}/readyz`)).json(), { status: "ready" });
  });

  it("answer HEAD like GET, without a body", async () => {
    await using side = await startHttpSide();
    const response = await fetch(`${side.url}/healthz`, { method: "HEAD" });
    assert.deepEqual([response.status, await response.text()], [200, ""]);
  });

  it("close after the requests that run are answered", async () => {
    const side = await startHttpSide();
    const { hostname, port } = new URL(side.url);
    const running = connect(Number(port), hostname);
    let answer = "";
    running.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
    const started = once(side.server.server, "request");
    running.write(
      "PUT /v1/ads/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{",
    );
    await started;
    const closed = side[Symbol.asyncDispose]();
    await assert.rejects(fetch(`${side.url}/healthz`));
    running.write("}");
    await once(running, "close");
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /attributes are missing/);
    await closed;
  });

  it("close without waiting for connections that are idle", async () => {
    const side = await startHttpSide();
    const { hostname, port } = new URL(side.url);
    const idle = connect(Number(port), hostname);
    await once(idle, "connect");
    await (await fetch(`${side.url}/healthz`)).text();
    const closed = once(idle, "close");
    await side[Symbol.asyncDispose]();
    await closed;
    await assert.rejects(fetch(`${side.url}/healthz`));
  });
});
