import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { ClickSender } from "../../src/commands/click-sender.ts";

const answer = { received: 2, accepted: 1, rejected: 1, derived_ids: 0, errors: [] };

type Reply = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that treats one request after the other as told, and keeps their bodies. */
async function serve(
  context: TestContext,
  replies: Reply[],
): Promise<{ url: string; bodies: string[] }> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    bodies.push((await Array.fromAsync(request.setEncoding("utf8"))).join(""));
    replies.shift()!(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close().closeAllConnections());
  const address = server.address();
  assert(address !== null && typeof address === "object");
  return { url: `http://127.0.0.1:${address.port}`, bodies };
}

const ok: Reply = (_request, response) => response.end(JSON.stringify(answer));
const refuse = (status: number, body: string): Reply => {
  return (_request, response) => response.writeHead(status, { "retry-after": "0" }).end(body);
};

void test("the same bytes are sent until there is an answer", async (context) => {
  const hangUp: Reply = (request) => request.socket.destroy();
  const { url, bodies } = await serve(context, [hangUp, refuse(503, '{"code":"overloaded"}'), ok]);
  const retries: string[] = [];
  const got = await new ClickSender({ url }).send("line\n", (reason) => retries.push(reason));
  assert.deepEqual(got, answer);
  assert.deepEqual(bodies, ["line\n", "line\n", "line\n"]);
  assert.equal(retries.length, 2);
  assert.match(retries[1]!, /^503 .*overloaded/);
});

void test("a batch of which nothing was good is answered, a refused one is an error", async (context) => {
  const { url } = await serve(context, [
    refuse(400, JSON.stringify(answer)),
    refuse(413, '{"code":"body_too_large"}'),
  ]);
  const sender = new ClickSender({ url });
  assert.deepEqual(await sender.send("x"), answer);
  await assert.rejects(sender.send("x"), /413 .*body_too_large/);
});

void test("it gives up in the end", async () => {
  const sender = new ClickSender({ url: "http://127.0.0.1:9", giveUpMs: 1 });
  await assert.rejects(sender.send("x"), /no answer from http:\/\/127\.0\.0\.1:9/);
});
