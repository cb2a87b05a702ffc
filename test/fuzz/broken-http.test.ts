import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { Random } from "../../src/traffic/random.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { Mutator } from "./mutate.ts";

const waitingBodiesMax = 32;

const click = (id: string): string =>
  JSON.stringify({ ad_id: "ad", click_timestamp: Date.now(), event_id: id });

/** A request as it stands on the wire. */
function post(body: string, ...headers: string[]): string {
  return [
    "POST /v1/clicks HTTP/1.1",
    "Host: x",
    "Content-Type: application/x-ndjson",
    ...headers,
    "",
    body,
  ].join("\r\n");
}

const chunked = "Transfer-Encoding: chunked";
const good = click("good-in-a-broken-request");

/** What is sent, and the statuses that may come back; none where the connection is only closed. */
const brokenRequests: readonly (readonly [
  what: string,
  sent: string,
  statuses: readonly number[],
])[] = [
  [
    "no HTTP at all",
    "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003\r\n\r\n",
    [400],
  ],
  ["an empty line and no more", "\r\n\r\n", []],
  ["half a head", "GET /v1/status HTTP/1.1\r\nHost: x\r\nX-Half", [400]],
  [
    "a head of 100 KB",
    `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
    [431],
  ],
  [
    "ten thousand headers",
    `GET /healthz HTTP/1.1\r\nHost: x\r\n${"a:b\r\n".repeat(10_000)}\r\n`,
    [200, 431],
  ],
  ["a target of 100 KB", `GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, [431]],
  ["no Host", "GET /healthz HTTP/1.1\r\n\r\n", [400]],
  ["HTTP of another version", "GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", [400]],
  ["a method that nobody knows", "CLICK /healthz HTTP/1.1\r\nHost: x\r\n\r\n", [400]],
  ["a NUL in a header", "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\u0000b\r\n\r\n", [400]],
  ["a header without a colon", "GET /healthz HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", [400]],
  ["lines that end with LF only", "GET /healthz HTTP/1.1\nHost: x\n\n", [200, 400]],
  ["fewer bytes than it says", post(good, "Content-Length: 5000"), [400]],
  ["a length that is no number", post(good, "Content-Length: many"), [400]],
  ["a length below 0", post(good, "Content-Length: -5"), [400]],
  ["a length beyond all numbers", post(good, "Content-Length: 99999999999999999999"), [400, 413]],
  ["a length of a gigabyte", post(good, "Content-Length: 1000000000"), [400, 413]],
  ["two lengths", post(good, "Content-Length: 3", `Content-Length: ${good.length}`), [400]],
  ["a length and chunks", post(`5\r\nhello\r\n0\r\n\r\n`, "Content-Length: 5", chunked), [400]],
  ["a chunk of no size", post(`zz\r\n${good}\r\n0\r\n\r\n`, chunked), [400]],
  ["a chunk of a size beyond all numbers", post(`${"f".repeat(30)}\r\n${good}`, chunked), [400]],
  ["a chunk of a gigabyte", post(`40000000\r\n${good}`, chunked), [400]],
  ["a chunk longer than it says", post(`1\r\n${good}\r\n0\r\n\r\n`, chunked), [400]],
  ["chunks without an end", post(`${good.length.toString(16)}\r\n${good}\r\n`, chunked), [400]],
  [
    "a chunk with an endless extension",
    post(`1;${"x".repeat(100_000)}\r\n{\r\n0\r\n\r\n`, chunked),
    [400, 413, 431],
  ],
  ["a coding that is none", post(good, "Transfer-Encoding: gzip"), [400, 501]],
  [
    "an upgrade",
    "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    [200, 400, 404],
  ],
  [
    "garbage after a good request",
    "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n\u0000\u0001garbage\r\n\r\n",
    [200, 400],
  ],
  ["a hundred requests at once", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100), [200]],
];

describe("the running service under what is no proper HTTP", () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess;
  let port: number;
  before(async () => {
    directory = await temporaryDirectory();
    service = await ServiceProcess.start({
      dataDir: directory.path,
      env: { CLICKTALLY_LIMITS_WAITING_BODIES: String(waitingBodiesMax) },
    });
    port = Number(new URL(service.url).port);
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  /** Sends the bytes and says no more; all that comes back until the connection is closed. */
  async function answersTo(sent: string | Uint8Array): Promise<string> {
    const socket = connect({ port, host: "127.0.0.1" });
    let received = "";
    socket.setEncoding("latin1").on("data", (text: string) => (received += text));
    // A service that closes on a sender that is still sending resets it.
    socket.on("error", () => {});
    socket.end(typeof sent === "string" ? Buffer.from(sent, "latin1") : sent);
    await eventually("the connection is closed", () => (socket.closed ? true : undefined));
    return received;
  }

  /** The statuses, each of an answer that is whole. */
  function statusesIn(received: string): number[] {
    return Array.from(received.matchAll(/HTTP\/1\.1 (\d{3}) /g), (match) => Number(match[1]));
  }

  async function assertLives(id: string): Promise<void> {
    const { status, body } = await service.post<{ counted: number }>(
      "/v1/clicks?wait=counted",
      click(id),
    );
    assert.deepEqual([status, body.counted], [200, 1]);
  }

  for (const [what, sent, expected] of brokenRequests) {
    it(`refuses or answers ${what}, and takes the next good click`, async () => {
      const received = await answersTo(sent);
      const statuses = statusesIn(received);
      for (const status of statuses) assert.ok(expected.includes(status), received.slice(0, 500));
      if (!expected.includes(200) && expected.length > 0)
        assert.ok(statuses.length > 0, "no answer");
      await assertLives(what);
    });
  }

  it("answers requests with bytes changed anywhere in them, and never with an error of its own", async (t) => {
    const random = new Random(Number(process.env["FUZZ_SEED"] ?? 1));
    const corpus = brokenRequests.map(([, sent]) => Buffer.from(sent.slice(0, 2000), "latin1"));
    const dictionary = [
      "\r\n",
      "\r\n\r\n",
      ": ",
      "HTTP/1.1",
      "chunked",
      "Content-Length: ",
      "0\r\n\r\n",
    ];
    const mutator = new Mutator({ random, corpus, dictionary });
    const statuses: number[] = [];
    const rounds = 25;
    for (let round = 0; round < rounds; round++) {
      const answers = Array.from({ length: 20 }, () => answersTo(mutator.next()));
      statuses.push(...(await Promise.all(answers)).flatMap(statusesIn));
    }
    const wrong = statuses.filter((status) => status >= 500 && status !== 501 && status !== 505);
    assert.deepEqual(wrong, []);
    assert.ok(statuses.length > 200);
    t.diagnostic(`${rounds * 20} connections, ${statuses.length} answers`);
    await assertLives("after all of these");
  });

  it("forgets uploads that break off, and keeps no place for them", async () => {
    const body = "x".repeat(100_000);
    for (let round = 0; round < 4; round++) {
      const sockets = Array.from({ length: waitingBodiesMax }, () =>
        connect({ port, host: "127.0.0.1" }),
      );
      await Promise.all(sockets.map((socket) => once(socket, "connect")));
      for (const socket of sockets) {
        socket.on("error", () => {});
        socket.write(post(body, "Content-Length: 10000000"));
      }
      for (const socket of sockets) socket.destroy();
    }
    // Were as many still waiting, this would be refused.
    await eventually("a good click is taken", async () => {
      await assertLives(crypto.randomUUID());
      return true;
    });
    const { body: ledger } = {
      body: await service.get<{ balanced: boolean }>("/v1/ledger?window=60m"),
    };
    assert.ok(ledger.balanced);
    assert.doesNotMatch(service.stderr, /"level":(?:50|60)/);
  });
});
